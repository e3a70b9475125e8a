"""Figure funnel: what becomes of a method's proposals."""

import pytest
from fake_records import GENERATIONS, change, fake_records, study

from evoloss.reporting.figures import funnel
from evoloss.reporting.screening import REJECTED


def test_shares_add_up_in_a_large_study():
    records = fake_records()
    counts = funnel.counts(records)
    proposals = records.ledgers.groupby("method")["proposals"].sum()
    assert list(counts.sum(axis=1)) == list(proposals[records.methods])
    assert (counts >= 0).all(axis=None)
    assert funnel.shares(counts).sum(axis=1).to_numpy() == pytest.approx(1)


def test_every_end_is_counted_as_by_hand_and_scoring_again_is_no_proposal():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    # 20 proposals: one rejected by a stage, two by the method, three reused, 14 new candidates. They are
    # trained on two tasks at three rates, two individuals once more at their own rate; five are stopped and
    # one diverges on one of the tasks at every rate.
    records.description["tasks"] = ["small", "large"]
    records.description["rates"] = 3
    change(records, "egp", 0, proposals=20, rejected_method=2, reused=3, evaluations=6 * 14 + 2 * 2)
    change(records, "egp", 0, stopped_evaluations=6 * 5, failed_evaluations=3)
    for generation in (1, 2):
        change(records, "egp", generation, proposals=0, rejected_gradient=0, evaluations=2 * 5)
    counts = funnel.counts(records)
    assert counts.loc["egp"][counts.loc["egp"] != 0].to_dict() == {
        "method": 2,
        "gradient": 1,
        "reused": 3,
        "stopped": 5,
        "failed": 0.5,
        "trained": 8.5,
    }
    assert list(counts.columns) == [*REJECTED, "reused", "stopped", "failed", "trained"]
    shares = funnel.shares(counts)
    assert list(shares.columns) == ["method", "gradient", "reused", "stopped", "failed", "trained"]
    assert shares.loc["egp", "trained"] == 8.5 / 20
    assert list(shares.sum(axis=1)) == pytest.approx([1, 1])
    assert shares.loc["random_search", "gradient"] == pytest.approx(1 / 6)


def test_bars_fill_their_place_and_only_wide_segments_are_labelled():
    records = study({"egp": 1.0, "random_search": 1.0}, [0])
    for method in records.methods:
        change(records, method, 0, proposals=100)
        change(records, method, 1, rejected_gradient=0)
        change(records, method, 2, rejected_gradient=0)
    figure = funnel.draw(records)
    axis = figure.axes[0]
    bars = [bar for container in axis.containers for bar in container]
    assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(1)
    texts = [text.get_text() for text in axis.texts]
    # 1 of 112 is rejected.
    assert sorted(text for text in texts if text) == ["112", "112", "99", "99", "Proposals"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["Rejected: gradient", "Trained to the end"]
    assert GENERATIONS == 3
