"""The images of the examples: scikit-learn's digits, 8 x 8 pixels, which need no download."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = 10


def images_and_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """1,797 images (n, 1, 8, 8) in [0, 1], and their digits (n,)."""
    pixels, digits = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    return images, torch.tensor(digits)


def loader(batch_size: int = 64) -> DataLoader:
    """Shuffled batches of all of them."""
    return DataLoader(TensorDataset(*images_and_digits()), batch_size, shuffle=True)


def network(outputs: int = CLASSES) -> nn.Sequential:
    """A small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, outputs),
    )


def report(network: nn.Module) -> None:
    """Print the share of training images that are classified right."""
    images, digits = images_and_digits()
    with torch.no_grad():
        right = (network(images).argmax(1) == digits).float().mean()
    print(f"training accuracy {right:.1%}")
