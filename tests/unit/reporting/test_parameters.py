"""Tables parameters and study_settings: every setting, and where its value comes from."""

from types import SimpleNamespace

import pandas as pd
from fake_records import METHODS

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.tables import parameters, study_settings

STAGES = ["structure", "finite", "gradient"]
EGP = {
    "algorithm": "egp",
    "population": 20,
    "subtree_probability": 0.5,
    "stages": STAGES,
    "pool": "default",
}
GLO = {"algorithm": "glo", "population": 20, "stages": STAGES, "pool": None, "cma": {"sigma": 0.3}}
SOURCES = {
    "egp": {
        "subtree_probability": {"value": 0.5, "evidence": "draft", "where": "Algorithm 1"},
        "population": {"value": 30, "evidence": "chosen", "where": "not published"},
    },
    "glo": {
        "population": {"value": 300, "evidence": "code", "where": "config_file.yml"},
        "cma": {"value": {"sigma": 1.5}, "evidence": "recalled", "where": "section 3"},
    },
}


def records(methods=None, sources=SOURCES) -> SimpleNamespace:
    """What a study says of its settings, with two methods unless a test gives others."""
    search = {
        "methods": methods or {"egp": EGP, "glo": GLO},
        "run_seeds": [0, 1],
        "pools": {"default": {"size": 20}, "wide": {"size": 50}},
        "functional_check": {"stages": STAGES},
        "rescore": {"repeats": 5},
    }
    config = {
        "search": search,
        "tasks": {"a": {"epochs": 2, "balanced": False}, "b": {"epochs": 4, "balanced": False}},
        "retrain": {"tasks": ["a"]},
        "report": {"confidence": 0.95},
    }
    return SimpleNamespace(description={"config": config, "sources": sources})


def test_every_setting_has_its_source():
    frame = parameters.build(records()).set_index(["method", "setting"])
    assert len(frame) == 10
    population = frame.loc[("glo", "population")]
    assert list(population) == ["20", "300", "code", "config_file.yml"]
    assert list(frame.loc[("glo", "cma.sigma")]) == ["0.3", "1.5", "recalled", "section 3"]
    chosen = frame.loc[("egp", "population")]
    assert pd.isna(chosen["published"])
    assert (chosen["evidence"], chosen["source"]) == ("chosen", "not published")
    assert frame.loc[("egp", "pool"), ["published", "evidence", "source"]].isna().all()


def test_a_method_has_a_column_with_marks_of_its_sources():
    frame = parameters.build(records())
    dressed = parameters.dress(frame, records())
    shown = dressed.frame.set_index("Setting")
    assert list(shown) == ["E-GP", "GLO"]
    assert list(shown.loc["population"]) == ["20", "20 (300)ᶜ"]
    assert list(shown.loc["subtree_probability"]) == ["0.5ᵈ", "–"]
    assert list(shown.loc["cma.sigma"]) == ["–", "0.3 (1.5)ʳ"]
    assert list(shown.loc["pool"]) == ["default", "none"]
    assert list(shown.loc["stages"]) == ["[1]", "[1]"]
    assert "[1] structure, finite, gradient." in dressed.notes
    assert "GLO: population – config_file.yml; cma.sigma – section 3." in dressed.notes
    assert r"20 (300)\textsuperscript{c}" in to_latex(dressed)
    assert "20 (300)ᶜ" in to_markdown(dressed)


def test_nine_methods_have_short_headers():
    study = records({method: EGP | {"algorithm": method} for method in METHODS}, {})
    dressed = parameters.dress(parameters.build(study), study)
    assert len(dressed.frame.columns) == 10
    assert max(len(name) for name in dressed.frame.columns) <= 7
    assert dressed.frame[dressed.frame.columns[1:]].map(len).max().max() <= parameters.LONGEST
    assert "RE: Regularised evolution" in dressed.notes[0]


def test_a_published_none_is_shown_and_not_taken_for_unknown():
    sources = {"egp": {"pool": {"value": None, "evidence": "paper", "where": "abstract"}}}
    study = records(sources=sources)
    frame = parameters.build(study)
    assert parameters.dress(frame, study).frame.set_index("Setting").loc["pool", "E-GP"] == (
        "default (none)ᵖ"
    )


def test_the_other_settings_have_a_table_of_their_own():
    frame = study_settings.build(records())
    assert "method" not in set(frame["section"])
    shown = study_settings.dress(frame, records()).frame.set_index("Setting")
    assert shown.loc["size", "Value"] == "default: 20; wide: 50"
    assert shown.loc["balanced", "Value"] == "False"
    assert shown.loc["run_seeds", "Value"] == "0, 1"
