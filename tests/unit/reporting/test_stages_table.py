"""Table stages: which checks a method makes here, and which its source describes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.tables import stages
from evoloss.search.method import algorithms, load_algorithm
from evoloss.study.configuration import load_files
from evoloss.study.plan import Plan

CONFIG = Path(__file__).parents[3] / "config"
EVERY_METHOD = Path(__file__).parents[1] / "every_method.yaml"


def records(*overlays):
    """What a study with every method says of its checks, with these overlays."""
    plan = Plan(load_files([EVERY_METHOD, *(CONFIG / f"{name}.yaml" for name in overlays)]))
    return SimpleNamespace(description=json.loads(plan.description_of(["checks"])))


def test_the_checks_of_this_study_stand_beside_those_of_the_source():
    frame = stages.build(records()).set_index("method")
    everything = "structure finite gradient novel learns"
    assert set(frame["stages"]) == {everything}
    lfl = frame.loc["gp_lfl"]
    assert (lfl["source_stages"], lfl["evidence"]) == ("structure novel learns", "code")
    assert (lfl["attempts"], lfl["source_attempts"], lfl["source_reuse"]) == (50, 1, True)
    assert frame.loc["taylor_glo", "source_stages"] == ""
    assert frame.loc["ngl_gp", "evidence"] == "not found"
    assert pd.isna(frame.loc["ngl_gp", ["source_stages", "source_attempts"]]).all()
    assert frame.loc[["egp", "egp_checked"], "initial"].tolist() == [False, True]
    assert frame.loc[["egp", "egp_checked"], "attempts"].tolist() == [1, 50]
    assert pd.isna(frame.loc["random_search", "evidence"])


def test_every_algorithm_says_what_its_source_checks():
    for name in algorithms():
        settings = load_algorithm(name).Settings
        source = settings.source_check
        has_a_source = bool(settings.published)
        assert (source is not None) == has_a_source, f"{name}: set source_check, as published is"
        assert source is None or source.where
        # Only where nothing was found is there no evidence.
        assert source is None or source.evidence or source.stages is None


def test_a_methods_own_stages_are_shown():
    frame = stages.build(records("as_published")).set_index("method")
    assert frame.loc["ngl_gp", "stages"] == "structure"
    assert frame.loc["gp_lfl", "stages"] == "structure novel learns"


def test_it_is_dressed_with_a_column_a_stage():
    study = records()
    dressed = stages.dress(stages.build(study), study)
    shown = dressed.frame.set_index("Method")
    lfl = shown.loc["GP-LFLᶜ"]
    assert lfl[["Structure", "Finite", "Learns"]].tolist() == ["both", "here", "both"]
    assert lfl[["Draws", "Initial", "Reuse"]].tolist() == ["50 (1)", "yes (yes)", "yes (yes)"]
    assert shown.loc["E-GPᵈ", ["Draws", "Initial"]].tolist() == ["1 (1)", "no (no)"]
    assert shown.loc["NGL-GP", ["Draws", "Initial"]].tolist() == ["50", "yes"]
    assert any(note.startswith("NGL-GP: no check is described") for note in dressed.notes)
    assert "GP-LFL" in to_latex(dressed)
    assert "| E-GPᵈ" in to_markdown(dressed)
