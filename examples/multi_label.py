"""Many labels an image: the loss takes the place of `nn.BCEWithLogitsLoss`. Is the digit odd, is it above 4?

python examples/multi_label.py
"""

import torch
from data import images_and_digits, loader, network

from evoloss.losses import loss

torch.manual_seed(0)
model = network(outputs=2)
criterion = loss("focal", activation="sigmoid")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def labels_of(digits: torch.Tensor) -> torch.Tensor:
    """Two labels a digit, (n, 2)."""
    return torch.stack([digits % 2, digits > 4], dim=1).float()


for _ in range(15):
    for images, digits in loader():
        optimizer.zero_grad()
        criterion(model(images), labels_of(digits)).backward()
        optimizer.step()
images, digits = images_and_digits()
with torch.no_grad():
    right = ((model(images) > 0) == labels_of(digits).bool()).float().mean()
print(f"training accuracy {right:.1%} of labels")
