"""The batches of an epoch show every image once, shifted and mirrored as the seed says."""

import torch

from evoloss.learning.batches import Batches
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part

IMAGES = torch.arange(1.0, 65.0).reshape(1, 8, 8, 1)


def shown(*names, seed=0, images=IMAGES, n=200, margin=(1, 1)):
    """The same image `n` times, (n, 8, 8), as an epoch of two batches shows it."""
    settings = TaskSettings.model_validate(
        {"dataset": "digits", "batch_size": n // 2, "augmentation": list(names)}
    )
    above, left = margin if "crop" in names else (0, 0)
    padded = torch.nn.functional.pad(images, (0, 0, left, left, above, above))
    part = Part(padded.repeat(n, 1, 1, 1), torch.arange(n) % 10, (above, left))
    batches = Batches(part, settings, seed)
    batches.draw_epoch()
    return torch.cat([batches.at(step)[0][:, 0] for step in range(batches.steps)])


def test_an_epoch_shows_every_image_once_in_whole_batches():
    settings = TaskSettings.model_validate(
        {"dataset": "digits", "batch_size": 16, "augmentation": []}
    )
    part = Part(torch.randn(64, 8, 8, 1), torch.arange(64), (0, 0))
    batches = Batches(part, settings, seed=3)
    batches.draw_epoch()
    images, _ = batches.at(0)
    assert (batches.steps, images.shape) == (4, (16, 1, 8, 8))
    seen = torch.cat([batches.at(step)[1] for step in range(4)])
    assert sorted(seen.tolist()) == list(range(64))


def test_flip_mirrors_every_other_image():
    mirrored = shown("flip")
    same = (mirrored == IMAGES[:, :, :, 0]).flatten(1).all(dim=1)
    flipped = (mirrored == IMAGES[:, :, :, 0].flip(2)).flatten(1).all(dim=1)
    assert bool((same ^ flipped).all())
    assert 60 < int(same.sum()) < 140  # about half of 200


def test_crop_shifts_by_the_margin_at_most_and_moves_zeros_in():
    shifted = shown("crop")
    centres = shifted[:, 3, 3] - IMAGES[0, 3, 3, 0]
    assert set(centres.tolist()) == {dy * 8.0 + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    up = shifted[centres == 8.0]
    assert bool((up[:, 7] == 0).all())
    assert torch.equal(up[0, :7], IMAGES[0, 1:, :, 0])


def test_crop_and_flip_together_shift_the_mirror_image():
    pictures = shown("crop", "flip", margin=(1, 2))
    padded = torch.nn.functional.pad(IMAGES[0, :, :, 0], (2, 2, 1, 1))
    windows = [padded[y : y + 8, x : x + 8] for y in range(3) for x in range(5)]
    possible = {tuple(w.flatten().tolist()) for w in windows}
    possible |= {tuple(w.flip(1).flatten().tolist()) for w in windows}
    seen = {tuple(picture.flatten().tolist()) for picture in pictures}
    assert len(possible) == 30  # 3 shifts down times 5 to the right, each as it is and mirrored
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
        # Of 70 images the incomplete last batch is left out, and no other is shown twice.
        assert len(torch.cat(seen[epoch * 4 :]).unique()) == 64
    assert not torch.equal(torch.cat(seen[:4]), torch.cat(seen[4:]))
