"""Losses of a user's that raise, hang, exit or give NaN are recorded, and everything else is made."""

import csv

import pyarrow.parquet as pq

LOSSES = """
import os
import random
import sys
import time

import numpy as np
import torch
from torch.nn.functional import cross_entropy


def raises(logits, targets):
    raise ValueError("not\\ntoday")


def wrong_shape(logits, targets):
    return logits


calls = [0]


def hangs_later(logits, targets):
    calls[0] += 1
    while calls[0] > 5:
        time.sleep(1)
    return cross_entropy(logits, targets, reduction="none")


def hangs(logits, targets):
    while True:
        time.sleep(1)


def exits(logits, targets):
    sys.exit(0)


def nan(logits, targets):
    return (logits * float("nan")).sum(dim=1)


def allocates(logits, targets):
    return torch.zeros(10**15).sum() + cross_entropy(logits, targets, reduction="none")


def reseeds(logits, targets):
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(1)
    return cross_entropy(logits, targets, reduction="none")


def forks(logits, targets):
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
    return cross_entropy(logits, targets, reduction="none")
"""
FAILING = {
    "raises": "ValueError: not today",
    "wrong_shape": "returns shape (8, 10)",
    "hangs": "took longer than machine.training_seconds, 3",
    "hangs_later": "took longer than machine.training_seconds, 3",
    "exits": "SystemExit: 0",
    "nan": "is not finite on random logits",
    "allocates": "RuntimeError",
}
"""What the records say of each loss that cannot train."""
HARMLESS = ("reseeds", "forks")
"""Losses that disturb the process, and still train as cross entropy does."""


def test_losses_that_misbehave_are_recorded_and_all_else_is_made(scratch, finished):
    """It runs nine losses more, of which two hang for three seconds a training: no smaller run shows all at once."""
    (scratch.folder / "bad.py").write_text(LOSSES)
    losses = ", ".join(f"{{{name}: 'bad:{name}'}}" for name in (*FAILING, *HARMLESS))
    config = scratch.overlay(
        f"machine: {{training_seconds: 3}}\n"
        f"retrain: {{losses: [cross_entropy, ngl, {{mine: 'square(p - y)'}}, {losses}]}}"
    )
    scratch.run(config=config)
    assert scratch.planned(config=config) == {}
    results = scratch.folder / "results/tiny"
    for name, reason in FAILING.items():
        rows = pq.read_table(results / f"retrain/digits_clean/{name}/0.parquet").to_pylist()
        assert len(rows) == 2
        for row in rows:
            assert row["status"] in ("failed", "diverged")
            assert reason in row["reason"]
            assert row["test_accuracy"] is None
    with (results / "tables/accuracy.csv").open() as file:
        table = {row["loss"]: row for row in csv.DictReader(file)}
    for name, reason in FAILING.items():
        assert table[name]["test_accuracy"] == ""
        assert "2 of 2 trainings did not complete: " in table[name]["note"]
        assert reason in table[name]["note"]
    for name in HARMLESS:
        assert table[name]["accuracy_of_seeds"] == table["cross_entropy"]["accuracy_of_seeds"]
    # The neighbours' numbers are those of a study without them.
    ours, theirs = scratch.records(), finished.records()
    for name in theirs:
        assert ours[name] == theirs[name], name
