import torch

from evoloss.learning.augmentation import augment


def test_augmentation_shifts_and_mirrors():
    draws = torch.Generator().manual_seed(0)
    images = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(200, 1, 1, 1)
    mirrored = augment(images, ["flip"], draws)
    same = (mirrored == images).flatten(1).all(dim=1)
    flipped = (mirrored == images.flip(3)).flatten(1).all(dim=1)
    assert bool((same ^ flipped).all())
    assert 60 < int(same.sum()) < 140
    shifted = augment(images, ["crop"], draws)
    centres = shifted[:, 0, 3, 3] - images[:, 0, 3, 3]
    assert set(centres.tolist()) == {dy * 8.0 + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    assert augment(images, [], draws) is images
