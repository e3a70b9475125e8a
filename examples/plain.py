"""A training loop of one's own: the loss takes the place of `nn.CrossEntropyLoss`.

python examples/plain.py
"""

import torch
from data import loader, network, report

from evoloss.losses import loss

torch.manual_seed(0)
model = network()
criterion = loss("focal", label_smoothing=0.05)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for _ in range(10):
    for images, digits in loader():
        optimizer.zero_grad()
        criterion(model(images), digits).backward()
        optimizer.step()
report(model)
