"""Table losses: the formula, the minimum and the source of every loss of a study."""

import json
from pathlib import Path

import yaml

from evoloss.losses.registry import CATALOGUE
from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.tables import losses
from evoloss.study.configuration import load, load_files, read_yaml
from evoloss.study.plan import Plan

CONFIG = Path(__file__).parents[3] / "config" / "config.yaml"
OWN = [
    {"mine": "square(p - y) - y * log(abs(p))"},
    {"with_c": "y * log(p) / C"},
    {"margin": "evoloss.losses.on_logits:nce"},
]


def table():
    """The table of the default study with every loss of the catalogue and three of a user's own."""
    config = read_yaml(CONFIG)
    config["retrain"]["losses"] = [*CATALOGUE, *OWN]
    plan = Plan(load(config))
    records = StudyRecords(".", plan.description_of(("losses",)))
    assert plan.records_of(("losses",)) == []
    frame = losses.build(records)
    return frame, losses.dress(frame, records)


def test_every_loss_has_a_row_in_the_order_of_the_configuration():
    frame, _ = table()
    assert list(frame["loss"]) == [*CATALOGUE, "mine", "with_c", "margin"]
    rows = frame.set_index("loss")
    assert rows.loc["ngl", "display"] == "NGL"
    assert rows.loc["ngl", "minimum"] == "0.391 at C = 10"
    assert rows.loc["hinge", "formula"] == "evoloss.losses.on_logits:hinge"
    assert rows.loc["hinge", "evidence"] == "unverified"
    own = rows.loc[["mine", "with_c", "margin"]]
    assert set(own["evidence"]) == {"own"}
    assert set(own["source"]) == {""}
    assert rows.loc["mine", "latex"].startswith(r"\sum_k \bigl[ ")
    assert set(rows.loc[["with_c", "margin"], "latex"]) == {""}


def test_it_is_dressed_with_formulas_and_daggers():
    _, dressed = table()
    text, markdown = to_latex(dressed), to_markdown(dressed)
    assert r"Cross entropy & $-\log p_t$ &" in text
    assert r"Hinge\dag{} &" in text
    assert r"margin & evoloss.losses.on\_logits:nce &" in text
    assert "† formula recalled, not checked against the paper." in text.replace(r"\dag{}", "†")
    assert "| Hinge† " in markdown
    assert r"\left\vert  p_k \right\vert" in markdown
    assert len({line.count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1


def test_without_a_recalled_formula_there_is_no_dagger():
    records = StudyRecords(".", Plan(load_files([])).description_of(("losses",)))
    frame = losses.build(records)
    assert "†" not in to_markdown(losses.dress(frame, records))


def test_the_description_is_sorted_json():
    text = Plan(load_files([])).description_of(("losses",))
    assert list(json.loads(text)) == ["catalogue"]
    assert yaml.safe_load(text) == json.loads(text)
