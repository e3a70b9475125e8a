"""Table breeding: what breeding adds to the best of the first generation."""

import math

import numpy as np
import pandas as pd
import pytest
from fake_records import study

from evoloss.reporting.latex_table import to_latex
from evoloss.reporting.tables import breeding


def test_the_gain_is_of_the_champion_over_the_first_incumbent_run_by_run():
    records = study({"egp": 1.2, "random_search": 1.0}, range(9), spread=0.02)
    first = records.rescored["candidate_id"] == "g0"
    shifts = np.random.default_rng(1).normal(0, 0.01, first.sum())
    records.rescored.loc[first, "validation_accuracy"] += shifts
    of_random = (records.rescored["method"] == "random_search") & first
    records.rescored.loc[of_random, "validation_accuracy"] += 0.1  # breeding added nothing there
    rows = breeding.build(records).set_index("method")
    of_egp = pd.Series(shifts, index=records.rescored[first]["method"]).loc["egp"]
    egp = rows.loc["egp"]
    assert egp["gain"] == pytest.approx(0.1 - of_egp.mean())
    assert egp["gain_sd"] == pytest.approx(of_egp.std())
    assert egp["ci_low"] > 0
    assert egp["p_value"] == pytest.approx(2 * 2 / 2**9)  # the smallest of nine, Holm over two
    assert egp["last_fitness"] - egp["first_fitness"] == pytest.approx(egp["gain"])
    assert rows.loc["random_search", "ci_low"] < 0 < rows.loc["random_search", "ci_high"]
    dressed = breeding.dress(breeding.build(records), records)
    gains = dict(zip(dressed.frame["Method"], dressed.frame["Gain"], strict=True))
    assert gains["E-GP"].startswith("+0.1")
    assert "*" in gains["E-GP"]
    assert "*" not in gains["Random search"]
    assert "Holm-corrected over 2 comparisons" in " ".join(dressed.notes)


def test_runs_whose_first_incumbent_stays_are_counted():
    records = study({"egp": 1.2, "random_search": 1.0}, range(5))
    stays = (records.ledgers["method"] == "egp") & records.ledgers["run_seed"].isin([1, 3])
    records.ledgers.loc[stays, "incumbent"] = "g0"
    rows = breeding.build(records).set_index("method")
    assert rows["unchanged"].to_dict() == {"egp": 2, "random_search": 0}


def test_few_runs_have_single_gains_and_no_verdict():
    records = study({"egp": 1.2, "random_search": 1.0}, range(2))
    frame = breeding.build(records)
    assert all(math.isnan(p) for p in frame["p_value"])
    dressed = breeding.dress(frame, records)
    assert "p" not in dressed.frame
    assert list(dressed.frame["Gain"]) == ["0.100, 0.100"] * 2
    assert "E-GP" in to_latex(dressed)
