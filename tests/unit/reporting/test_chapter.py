"""The chapter's sentences claim what the numbers allow, and every number is a macro."""

import math
import re

import pandas as pd
import pytest

from evoloss.reporting.chapter.document import chapter, wrapper
from evoloss.reporting.chapter.prose import Prose, listed
from evoloss.reporting.chapter.sections import SECTIONS, analysis, results
from evoloss.reporting.deliverables import FIGURES, TABLES

NAN = math.nan


def test_a_sentence_can_be_read_without_latex():
    prose = Prose(0.95)
    sentence = prose.compared("On a\\_b,", "x", "y", (-0.5, -0.9, -0.1), 0.004, 9, "", 2, "a")
    assert prose.plain(sentence) == (
        "On a_b, x is worse than y: −0.50 (95 % interval [−0.90, −0.10]; p = 0.004 after Holm's correction, n = 9)."
    )


def said(difference, p, n):
    """The sentence that compares A with B, its macros replaced by their numbers."""
    prose = Prose(0.95)
    sentence = prose.compared(
        "", "the fitness of A", "that of B", difference, p, n, "", 2, "a", "b"
    )
    for name, text in prose.macros.items():
        sentence = sentence.replace(rf"\{name}{{}}", text)
    return sentence.replace("$-$", "-")


@pytest.mark.parametrize(
    ("difference", "p", "n", "expected"),
    [
        ((0.5, 0.1, 0.9), 0.004, 9, "The fitness of A is better than that of B: +0.50"),
        ((-0.5, -0.9, -0.1), 0.004, 9, "The fitness of A is worse than that of B: -0.50"),
        (
            (0.5, 0.1, 0.9),
            0.2,
            9,
            "No significant difference between the fitness of A and that of B was found",
        ),
        ((0.5, 0.1, 0.9), NAN, 5, "The fitness of A lies above that of B: +0.50"),
        (
            (0.5, -0.1, 0.9),
            NAN,
            5,
            "No difference between the fitness of A and that of B is shown: +0.50",
        ),
        (
            (0.5, NAN, NAN),
            NAN,
            2,
            "The difference between the fitness of A and that of B is +0.50 (n = 2)",
        ),
        ((NAN, NAN, NAN), NAN, 0, "The fitness of A could not be compared with that of B."),
    ],
)
def test_a_sentence_claims_no_more_than_its_test(difference, p, n, expected):
    sentence = said(difference, p, n)
    assert sentence.startswith(expected)
    assert ("better" in sentence or "worse" in sentence) == (p < 0.05)
    if not math.isnan(difference[1]):
        assert "95\\,\\% interval [" in sentence


def test_macros_have_names_of_letters_and_one_value():
    prose = Prose(0.95)
    first = prose.number("1.5", "egp_racing", "seed0", "fitness")
    assert first == r"\evoEgpRacingSeedZeroFitness{}"
    assert prose.number("1.5", "egp racing", "seed 0 fitness") == first
    assert prose.number("2.5", "egp racing seed 0 fitness") != first
    assert all(re.fullmatch("[A-Za-z]+", name) for name in prose.macros)
    assert r"\newcommand{\evoEgpRacingSeedZeroFitness}{1.5}" in prose.definitions()


def frames():
    """Two tables of a study: a method that is better, and one whose name LaTeX would not take."""
    cost = {
        "method": ["egp", "a_b%c & d"],
        "runs": 9,
        "best_fitness": [1.02, 1.0],
        "fitness_difference": [0.02, NAN],
        "difference_ci_low": [0.01, NAN],
        "difference_ci_high": [0.03, NAN],
        "p_value": [0.004, NAN],
        "training_samples": [1000.0, 2000.0],
        "evaluations": [10.0, 20.0],
        "target": 1.0,
        "cost_to_target": [500.0, math.inf],
        "reached_share": [1.0, 0.25],
        "target_runs": 9,
    }
    savings = pd.DataFrame(
        [
            ("egp", "every_proposal", 1.0),
            ("egp", "check", 0.6),
            ("egp", "spent", 0.4),
            ("a_b%c & d", "every_proposal", 1.0),
            ("a_b%c & d", "spent", 1.0),
        ],
        columns=["method", "step", "share_of_naive"],
    )
    return {"search_cost": pd.DataFrame(cost), "savings": savings}


def test_results_and_analysis_follow_the_tables():
    prose = Prose(0.95)
    sentences = " ".join([*results(frames(), prose), *analysis(frames(), prose)])
    assert "is better than that of a b\\%c \\& d" in sentences
    assert "in at most half of its runs" in sentences
    assert "the functional check" in sentences
    assert "saves the largest share" in sentences
    bare = re.sub(r"\\evo[A-Za-z]+\{\}", "", sentences)
    assert not re.search(r"\d", bare.replace("cross entropy is 1)", "")), bare


def test_the_chapter_has_what_the_study_has_and_no_more():
    prose = Prose(0.95)
    text = chapter("st", frames(), {"savings"}, ["anytime"], {"anytime": "50 % of it"}, prose)
    assert text.count(r"\section{") == 2
    assert r"\input{\evoPath/../tables/search_cost}" in text
    assert r"\caption{50 \% of it}" in text
    assert r"\label{fig:st:anytime}" in text
    assert "accuracy" not in text.replace("test accuracy", "")
    assert r"\input{chapter4}" in wrapper("standalone.tex")
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_every_table_and_figure_has_a_section():
    shown = [(tables, figures) for _, _, tables, figures in SECTIONS]
    assert {name for tables, _ in shown for name in tables} == set(TABLES)
    assert {name for _, figures in shown for name in figures} == set(FIGURES)
