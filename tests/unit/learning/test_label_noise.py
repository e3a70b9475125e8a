"""Wrong labels of every kind, on training and validation images."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evoloss.errors import UserError
from evoloss.learning.label_noise import LabelNoise
from evoloss.learning.settings import TaskSettings

LABELS = np.random.default_rng(0).integers(0, 5, 4000)
PLACES = np.arange(4000)


def noise(**values):
    """The settings of a noise."""
    return LabelNoise.model_validate(values)


def test_a_quarter_of_the_labels_becomes_wrong():
    labels = np.arange(200) % 10
    found = noise(share=0.25).applied(labels, places=np.arange(200), classes=10, seed=1)
    assert (found != labels).sum() == 50


@given(st.floats(0, 0.99), st.integers(2, 20), st.integers(0, 1000))
def test_symmetric_noise_changes_its_share_to_other_classes(share, classes, seed):
    labels = np.arange(200) % classes
    found = noise(share=share).applied(labels, np.arange(200), classes, seed)
    assert (found != labels).sum() == round(share * 200)
    assert 0 <= found.min() <= found.max() < classes


def test_symmetric_noise_favours_no_class():
    found = noise(share=0.6).applied(LABELS, PLACES, 5, 1)
    shifts = np.bincount((found - LABELS) % 5)
    # 40 % of 4000 labels stay, and the others are shared by four classes.
    assert shifts[0] == 1600
    assert shifts[1:] == pytest.approx(np.full(4, 600), abs=80)


def test_pair_noise_goes_to_the_next_class():
    found = noise(kind="pair", share=0.35).applied(LABELS, PLACES, 5, 1)
    # 35 % of 4000 labels.
    assert np.bincount((found - LABELS) % 5).tolist() == [2600, 1400]


def test_a_matrix_gives_each_class_its_row():
    matrix = [[1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.9, 0.1]]
    labels = np.repeat([0, 1, 2], 4000)
    found = noise(kind="matrix", matrix=matrix).applied(labels, np.arange(12000), 3, 1)
    for label in range(3):
        shares = np.bincount(found[labels == label], minlength=3) / 4000
        assert shares == pytest.approx(matrix[label], abs=0.03)
    assert noise(kind="matrix", matrix=matrix).problem(3) is None
    assert "3 rows, and there are 10 classes" in noise(kind="matrix", matrix=matrix).problem(10)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "pair"}, "share: noise of kind pair needs it"),
        ({"kind": "file", "share": 0.2}, "path: noise of kind file needs it"),
        ({"share": 0.2, "path": "x.npy"}, "path: noise of kind symmetric has none"),
        ({"kind": "matrix", "matrix": [[0.5, 0.5]]}, "row 0 has 2 entries, but there are 1 rows"),
        ({"kind": "matrix", "matrix": [[0.5, 0.4], [0.0, 1.0]]}, "row 0 sums to 0.9"),
        ({"share": 1.0}, "less than 1"),
    ],
)
def test_a_mistake_says_what_the_kind_needs(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        noise(**values)


def test_the_noise_is_on_training_labels_and_on_validation_labels_unless_they_are_clean(make_task):
    clean, noisy, again = make_task(), make_task(label_noise=0.25), make_task(label_noise=0.25)
    assert (
        int((clean.train.labels != noisy.train.labels).sum()) == noisy.changed_labels == 64
    )  # of 256
    assert clean.changed_labels == 0
    assert torch.equal(clean.train.images, noisy.train.images)
    assert torch.equal(noisy.train.labels, again.train.labels)
    wrong = int((clean.validation.labels != noisy.validation.labels).sum())
    assert wrong == round(0.25 * len(clean.validation))
    trusted = make_task(label_noise=0.25, validation="clean")
    assert torch.equal(trusted.validation.labels, clean.validation.labels)
    assert torch.equal(trusted.train.labels, noisy.train.labels)
    # On another split too the labels differ from the clean ones by the noise alone.
    resplit = make_task(label_noise=0.25, resplit_seed=1), make_task(resplit_seed=1)
    assert int((resplit[0].train.labels != resplit[1].train.labels).sum()) == 64


@pytest.mark.parametrize("suffix", ["npy", "txt"])
def test_a_files_labels_follow_their_images_through_every_split(make_task, tmp_path, suffix):
    from sklearn.datasets import load_digits

    path = tmp_path / f"people.{suffix}"
    given = (load_digits().target + 3) % 10
    np.save(path, given) if suffix == "npy" else np.savetxt(path, given, fmt="%d")
    for seed in (None, 4):
        clean = make_task(resplit_seed=seed)
        found = make_task(resplit_seed=seed, label_noise={"kind": "file", "path": str(path)})
        assert torch.equal(found.train.labels, (clean.train.labels + 3) % 10)
        assert torch.equal(found.validation.labels, (clean.validation.labels + 3) % 10)


def test_a_file_of_labels_that_does_not_fit_gets_a_sentence(make_task, tmp_path):
    def message(content, name="labels.txt"):
        """The sentence that a user gets for a file of labels with this content."""
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        with pytest.raises(UserError) as error:
            make_task(label_noise={"kind": "file", "path": str(path)})
        return str(error.value)

    assert "cannot be read: No such file" in message(None, "nowhere.txt")
    assert "holds no labels" in message("cat\ndog\n")
    assert "one whole number an image" in message("1.5\n2\n")
    assert "has labels from 0 to 12" in message("0\n12\n")
    found = message("0\n1\n")
    assert found.startswith("tasks.small.label_noise.path: ")
    assert "has 2 labels, but the source has at least" in found


def test_settings_know_a_number_and_the_classes():
    def task(**values):
        """The settings of a task on the digits."""
        return TaskSettings.model_validate({"dataset": "digits", **values})

    assert task(label_noise=0.4).label_noise == noise(kind="symmetric", share=0.4)
    assert task(label_noise=0).label_noise.active is False
    with pytest.raises(ValueError, match="2 rows, and there are 10 classes"):
        task(label_noise={"kind": "matrix", "matrix": [[1.0, 0.0], [0.0, 1.0]]})
    with pytest.raises(ValueError, match=r"remove dataset\.classes"):
        task(
            dataset={"source": "digits", "classes": [3, 8]},
            label_noise={"kind": "file", "path": "x.npy"},
        )
