"""The chapter as LaTeX: sections of sentences, tables and figures, and a standalone document around it."""

import textwrap
from collections.abc import Container

from evoloss.reporting.chapter.prose import Prose, listed
from evoloss.reporting.chapter.sections import SECTIONS, Tables
from evoloss.reporting.latex_table import escaped

PACKAGES = ("booktabs", "longtable", "array", "amsmath", "graphicx")
"""LaTeX packages that a document must load before it inputs the chapter."""

_HEAD = r"""% Chapter of study {study}: \input it below a \chapter of your own. Before that, define its folder,
%   \newcommand{{\evoPath}}{{results/{study}/chapter}}
% and load {packages}. Written by evoloss; every number comes from macros.tex and the tables.
\providecommand{{\evoPath}}{{.}}
\input{{\evoPath/macros}}
\setlength{{\emergencystretch}}{{3em}}
"""

_FIGURE = r"""\begin{{figure}}[htbp]
\centering
\includegraphics[width=\textwidth,height=0.75\textheight,keepaspectratio]{{\evoPath/../figures/{name}}}
\caption{{{caption}}}
\label{{fig:{study}:{name}}}
\end{{figure}}
"""

_WRAPPER = r"""% pdflatex {name}
\documentclass[12pt,a4paper]{{report}}
\usepackage[margin=3cm]{{geometry}}
\usepackage{{{packages}}}
\begin{{document}}
\setcounter{{chapter}}{{3}}
\chapter{{Experiments}}
\input{{chapter4}}
\end{{document}}
"""


def chapter(
    study: str,
    tables: Tables,
    long: Container[str],
    figures: list[str],
    captions: dict[str, str],
    prose: Prose,
) -> str:
    """The LaTeX text of the chapter; `tables` and `figures` are those that the study has.

    Tables in `long` may break over pages. Floats are flushed before them, so that tables are numbered in order.
    """
    parts = [_HEAD.format(study=study, packages=", ".join(PACKAGES))]
    for title, say, own_tables, own_figures in SECTIONS:
        shown_tables = [name for name in own_tables if name in tables]
        shown_figures = [name for name in own_figures if name in figures]
        if not shown_tables and not shown_figures:
            continue
        parts.append(f"\\section{{{title}}}\n")
        parts.append("\n".join(line_wrapped(sentence) for sentence in say(tables, prose)))
        parts.append(_pointer(study, shown_tables, shown_figures))
        for name in shown_tables:
            if name in long and name != shown_tables[0]:
                parts.append("\\clearpage\n")
            parts.append(f"\\input{{\\evoPath/../tables/{name}}}\n")
        parts += [
            _FIGURE.format(study=study, name=name, caption=escaped(captions[name]))
            for name in shown_figures
        ]
        parts.append("\\clearpage\n")
    return "\n".join(parts)


def _pointer(study: str, tables: list[str], figures: list[str]) -> str:
    places = []
    for word, kind, names in (("Table", "tab", tables), ("Figure", "fig", figures)):
        if names:
            references = [rf"\ref{{{kind}:{study}:{name}}}" for name in names]
            places.append(f"{word}{'s' if len(names) > 1 else ''}~{listed(references)}")
    return line_wrapped(f"For details, see {' and '.join(places)}.") + "\n"


def wrapper(name: str) -> str:
    """A standalone LaTeX document that inputs the chapter."""
    return _WRAPPER.format(name=name, packages=",".join(PACKAGES))


def line_wrapped(sentence: str) -> str:
    """A sentence in lines of at most 110 characters, broken at blanks only."""
    return textwrap.fill(sentence, 110, break_long_words=False, break_on_hyphens=False)
