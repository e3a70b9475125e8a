"""`python -m evoloss.compare`: is a loss better than cross entropy on my images?"""

import sys

import numpy as np
import pytest
from image_files import write_folder

from evoloss.compare import __main__ as compare
from evoloss.compare.comparison import up_to_date, verdict
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import DatasetSettings
from evoloss.reporting.statistics import paired_difference


def run(monkeypatch, capsys, *arguments):
    """What the command prints; it runs in this process, since a new one imports torch for seconds."""
    monkeypatch.setattr(sys, "argv", ["compare", *arguments])
    compare.main()
    return capsys.readouterr().out


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder without prepared data, with a small task, and a loss that makes a network unlearn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_losses.py").write_text(
        "def inverted(logits, targets):\n"
        "    return logits.log_softmax(1).gather(1, targets[:, None])[:, 0]\n"
    )
    (tmp_path / "small.yaml").write_text(
        "study: small\ndevice: cpu\ntasks:\n  digits_noisy:\n    epochs: 2\n    batch_size: 64\n"
        "    learning_rates: [0.2]\n    tuning_seeds: 1\n"
    )
    return tmp_path


TASK = ("--task", "digits_noisy", "--configfile", "small.yaml", "--seeds", "5")
"""The small task of `elsewhere`, with the fewest seeds that allow an interval."""

OWN = ("--image-size", "8", "--epochs", "2", "--batch-size", "8", "--learning-rates", "0.1")
"""Flags that make a training on `--images` end within a second."""


@pytest.mark.parametrize("place", ["images", "labels.csv"])
def test_own_images_need_no_configuration(elsewhere, monkeypatch, capsys, place):
    write_folder(elsewhere / "images", {"train": {"ant": 60, "bee": 60}})
    rows = [f"{f},{f.parent.name}" for f in sorted((elsewhere / "images").rglob("*.png"))]
    (elsewhere / "labels.csv").write_text("\n".join(["image,label", *rows]))
    (elsewhere / "my_network.py").write_text(
        "from torch import nn\n"
        "def small(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))\n"
    )
    arguments = ["gce", "--images", place, "--network", "my_network:small", *OWN]
    monkeypatch.setattr(sys, "argv", ["compare", *arguments, "--balanced"])
    compare.main()
    printed = capsys.readouterr()
    assert "images, balanced accuracy on fresh splits of the training part" in printed.out
    last = printed.out.strip().splitlines()[-1]
    assert last.startswith("Difference")
    assert last.endswith(".")
    assert "trainings: 100%" in printed.err.replace("\r", "\n").splitlines()[-1]
    assert not (elsewhere / "results").exists()


def test_cross_entropy_in_disguise_is_recognised(elsewhere, monkeypatch, capsys):
    text = run(monkeypatch, capsys, "2 * (y * -log(p))", *TASK)
    assert "has the accuracy of cross entropy on every seed" in text
    assert "Difference +0.00 points" in text
    assert "accuracy on fresh splits of the training part, n = 5 seeds" in text
    assert list(elsewhere.glob("results")) == []


def test_a_loss_that_unlearns_is_worse(elsewhere, monkeypatch, capsys):
    """Slow (5 s), since both losses are tuned and trained on five seeds; a fake training could not unlearn."""
    text = run(monkeypatch, capsys, "own_losses:inverted", *TASK)
    assert "own_losses:inverted is worse than cross entropy" in text


def test_the_test_images_are_looked_at_when_asked_for(elsewhere, monkeypatch, capsys):
    assert "accuracy on test images" in run(monkeypatch, capsys, "mse", *TASK, "--test")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nlg", *TASK), "unknown loss 'nlg'"),
        (
            ("ngl", "--task", "digit", "--configfile", "small.yaml"),
            "unknown task 'digit'; there are",
        ),
        (("ngl", *TASK[:-1], "1"), "--seeds: got 1, but an interval needs at least 5"),
        (("ngl", "--task", "digits_noisy", "--configfile", "no.yaml"), "no.yaml cannot be read"),
        (("p * q", *TASK), "unknown name 'q'"),
        (("cross_entropy", *TASK), "cross_entropy is what losses are compared with"),
        (("ngl", *TASK, "--epochs", "2"), "--epochs: only --images takes it"),
        (("ngl", "--images", "none"), "there is no folder none/train"),
        (("ngl", "--images", "none.csv"), "none.csv cannot be read"),
        (
            ("ngl", "--images", "none", "--configfile", "small.yaml"),
            "--configfile goes with --task only",
        ),
        (("ngl", "--images", "none", "--image-size", "1"), "error: --image-size: got 1"),
        (("ngl", "--images", " "), "--images: the path is empty"),
        (("ngl", "--images", "none", "--network", "no_such:net"), "--network: Python finds no"),
        (("no_such:loss", "--images", "none"), "loss: Python finds no module"),
        (("-(y * p", "--images", "none"), "cannot be read"),
    ],
)
def test_a_mistake_on_the_command_line_gets_a_sentence(
    elsewhere, monkeypatch, capsys, arguments, sentence
):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, *arguments)
    assert sentence in capsys.readouterr().out


def test_an_expression_may_begin_with_a_minus(elsewhere, monkeypatch, capsys):
    text = run(monkeypatch, capsys, "-(y*log(p))*2", *TASK)
    assert "has the accuracy of cross entropy on every seed" in text


def test_too_few_images_for_a_batch_name_the_flag(elsewhere, monkeypatch, capsys):
    write_folder(elsewhere / "images", {"train": {"ant": 30, "bee": 30}})
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, "gce", "--images", "images", "--image-size", "8")
    assert "error: --batch-size: 64 is more than" in capsys.readouterr().out


def test_a_planted_difference_is_found_and_a_planted_null_is_not():
    baseline = [0.90, 0.91, 0.92, 0.90, 0.91]
    better = [
        value + 0.02 + noise  # the planted difference: two points, ten times its noise
        for value, noise in zip(baseline, [0, 0.002, 0.001, -0.001, 0], strict=True)
    ]
    assert verdict("x", better, baseline, 0.95)[1] == "x is better than cross entropy"
    assert verdict("x", baseline, better, 0.95)[1] == "x is worse than cross entropy"
    same = [value + 0.01 for value in (0.5, 0.25, 0.125, 0.5, 0.25)]
    assert "has no interval" in verdict("x", same, [0.5, 0.25, 0.125, 0.5, 0.25], 0.95)[1]
    null = [0.91, 0.90, 0.91, 0.92, 0.90]
    assert verdict("x", null, baseline, 0.95)[1].startswith("no difference between x")


def test_a_prepared_copy_counts_only_with_these_settings(elsewhere, monkeypatch, capsys):
    dataset = DatasetSettings(source="digits", validation_fraction=0.5)
    folder = elsewhere / "results/small/data/digits"
    prepare(dataset, folder, {})
    assert up_to_date(dataset, folder)
    assert not up_to_date(DatasetSettings(source="digits"), folder)
    assert not up_to_date(dataset, elsewhere / "nothing")


def test_the_interval_is_wider_because_the_splits_share_images():
    """The 95 % interval covers a difference of zero in about 95 % of simulated comparisons."""
    rng = np.random.default_rng(0)
    pool, n, share = 400, 5, 0.25  # images, seeds, and the share of the images that validates
    covered = {0.0: 0, share / (1 - share): 0}
    for _ in range(400):
        # Two models that err on an image as often as each other, whatever they were trained on.
        gains = rng.choice([-1.0, 0.0, 1.0], size=pool, p=[0.1, 0.8, 0.1])
        splits = [rng.choice(pool, size=int(share * pool), replace=False) for _ in range(n)]
        differences = [float(gains[split].mean()) for split in splits]
        for overlap in covered:
            found = paired_difference(differences, [0.0] * n, 0.95, overlap)
            covered[overlap] += found.low <= 0 <= found.high
    # In 400 comparisons a share of 95 % varies by about one point. Without the overlap it falls short.
    assert covered[0.0] < 0.92 * 400
    assert covered[share / (1 - share)] > 0.93 * 400
