"""What a network is shown: every image once an epoch, shifted and mirrored as the seed says."""

import torch

from evoloss.learning.batches import Batches
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part

IMAGES = torch.arange(1.0, 65.0).reshape(1, 8, 8, 1)


def shown(*names, seed=0, images=IMAGES, n=200, margin=(1, 1)):
    """200 times the same image, as an epoch of two batches shows it: (n, 8, 8)."""
    settings = TaskSettings.model_validate(
        {"dataset": "digits", "batch_size": n // 2, "augmentation": list(names)}
    )
    above, left = margin if "crop" in names else (0, 0)
    padded = torch.nn.functional.pad(images, (0, 0, left, left, above, above))
    part = Part(padded.repeat(n, 1, 1, 1), torch.arange(n) % 10, (above, left))
    batches = Batches(part, settings, seed)
    batches.draw_epoch()
    return torch.cat([batches.at(step)[0][:, 0] for step in range(batches.steps)])


def test_flip_mirrors_every_other_image():
    mirrored = shown("flip")
    same = (mirrored == IMAGES[:, :, :, 0]).flatten(1).all(dim=1)
    flipped = (mirrored == IMAGES[:, :, :, 0].flip(2)).flatten(1).all(dim=1)
    assert bool((same ^ flipped).all())
    assert 60 < int(same.sum()) < 140


def test_crop_shifts_by_the_margin_at_most_and_moves_zeros_in():
    shifted = shown("crop")
    centres = shifted[:, 3, 3] - IMAGES[0, 3, 3, 0]
    assert set(centres.tolist()) == {dy * 8.0 + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    up = shifted[centres == 8.0]
    assert bool((up[:, 7] == 0).all())
    assert torch.equal(up[0, :7], IMAGES[0, 1:, :, 0])


def test_both_at_once_shift_the_mirror_image():
    pictures = shown("crop", "flip", margin=(1, 2))
    padded = torch.nn.functional.pad(IMAGES[0, :, :, 0], (2, 2, 1, 1))
    windows = [padded[y : y + 8, x : x + 8] for y in range(3) for x in range(5)]
    possible = {tuple(w.flatten().tolist()) for w in windows}
    possible |= {tuple(w.flip(1).flatten().tolist()) for w in windows}
    seen = {tuple(picture.flatten().tolist()) for picture in pictures}
    assert len(possible) == 30
    assert seen <= possible
    assert len(seen) > 25


def test_a_step_may_be_a_number_or_a_tensor_and_the_seed_decides():
    settings = TaskSettings.model_validate(
        {"dataset": "digits", "batch_size": 16, "augmentation": ["crop", "flip"]}
    )
    part = Part(torch.randn(70, 10, 12, 3), torch.arange(70), (1, 2))
    first, again = Batches(part, settings, 3), Batches(part, settings, 3)
    seen = []
    for epoch in range(2):
        first.draw_epoch()
        again.draw_epoch()
        for step in range(4):
            images, targets = first.at(step)
            others, same = again.at(torch.tensor([step]))
            assert torch.equal(images, others)
            assert torch.equal(targets, same)
            assert torch.equal(targets, first.targets(0, 4)[step])
            assert images.shape == (16, 3, 8, 8)
            seen.append(targets)
        assert len(torch.cat(seen[epoch * 4 :]).unique()) == 64
    assert not torch.equal(torch.cat(seen[:4]), torch.cat(seen[4:]))
