"""What a person sees of a loss: the table, the representation, the plot."""

import pytest
import torch

from evoloss.losses import catalogue, loss, plot
from evoloss.losses.registry import CATALOGUE


def test_the_catalogue_is_a_table_of_all_losses():
    table = catalogue()
    assert list(table.index) == list(CATALOGUE)
    assert table.loc["cross_entropy", "formula"] == "-(y * log(p))"
    assert "arXiv 2404.12948" in table.loc["ngl", "source"]
    assert r"\log p_t" in table.loc["nce", "formula"]
    assert bool((table[["formula", "source", "evidence"]] != "").all(axis=None))


@pytest.mark.parametrize("name", [*CATALOGUE, "square(p - y) / C"])
def test_every_loss_shows_itself(name):
    criterion = loss(name, ignore_index=3)
    assert repr(name) in repr(criterion)
    assert "ignore_index=3" in repr(criterion)
    shown = criterion._repr_markdown_()
    assert shown.startswith(f"**{name}**")
    assert shown.count("$") == 2


def test_a_sigmoids_loss_shows_what_it_computes():
    assert "(1 - y)" in repr(loss("cross_entropy", activation="sigmoid"))


def curves(figure, axes=0):
    """Label -> points (x, y) of the lines of a figure: axes 0 shows the values, axes 1 the gradients."""
    return {line.get_label(): line.get_xydata() for line in figure.axes[axes].get_lines()}


def test_the_plot_shows_value_and_gradient():
    figure = plot("cross_entropy", "ngl", loss("focal"), loss("mse", activation="sigmoid"))
    values, slopes = curves(figure), curves(figure, 1)
    assert {"cross_entropy", "ngl", "focal", "mse"} <= set(values)
    p = torch.as_tensor(slopes["cross_entropy"][:, 0])
    # By hand: cross entropy's gradient is p - 1, and its value -log p; a plot shifts its least value to 0.
    torch.testing.assert_close(torch.as_tensor(slopes["cross_entropy"][:, 1]), p - 1)
    expected = torch.log(p[-1]) - torch.log(p)
    torch.testing.assert_close(torch.as_tensor(values["cross_entropy"][:, 1]), expected)
    turns = slopes["ngl"][:, 1]
    assert turns[0] < 0 < turns[-1]  # its minimum lies at p = 0.39
