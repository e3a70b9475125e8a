"""Rule export_loss: a champion as a Python file that needs only torch, and as LaTeX."""

import argparse

from evoloss.command_line import Flags, run_step
from evoloss.expressions.latex import simplified_latex, to_latex
from evoloss.expressions.parsing import parse
from evoloss.files import read_json, write_text
from evoloss.losses.champion_file import read_champion
from evoloss.losses.export import python_module


def main(flags: Flags) -> None:
    """Write the module and the formula of one champion."""
    champion = read_champion(flags.champion)
    classes = [read_json(path)["classes"] for path in flags.manifests]
    write_text(flags.python, python_module(champion, classes, flags.study, flags.scale_matched))
    expression = parse(champion["expression"])
    lines = [
        f"% {champion['loss']} of study {flags.study}: {expression}",
        "% p_k: softmax probability, y_k: one-hot target; guards are not shown",
        rf"\ensuremath{{{to_latex(expression)}}}",
    ]
    simple = simplified_latex(expression)
    if simple is not None:
        lines += ["% simplified; may differ where a guard acts:", f"% {simple}"]
    write_text(flags.tex, "\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--champion", required=True, help="champion.json")
    parser.add_argument("--manifests", nargs="+", required=True, help="manifests of its data sets")
    parser.add_argument("--scale-matched", action="store_true", help="the search matched gradients")
    parser.add_argument("--python", required=True, help="Python file to write")
    parser.add_argument("--tex", required=True, help="LaTeX file to write")
    run_step(main, parser)
