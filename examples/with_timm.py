"""timm's way of training: its model, MixUp, optimiser and scheduler. MixUp's targets are class probabilities.

In timm's own `train.py` the loss is `train_loss_fn`; set it to `loss("gce")`.

pip install timm
python examples/with_timm.py
"""

import torch
from data import CLASSES, images_and_digits
from timm import create_model
from timm.data import Mixup
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch.nn.functional import interpolate

from evoloss.losses import loss

EPOCHS = 12

torch.manual_seed(0)
images, digits = images_and_digits()
images = interpolate(images, size=32)
model = create_model("resnet10t", num_classes=CLASSES, in_chans=1)
mixup = Mixup(mixup_alpha=0.2, cutmix_alpha=0.0, num_classes=CLASSES, label_smoothing=0.0)
train_loss_fn = loss("focal")
optimizer = create_optimizer_v2(model, opt="sgd", lr=0.05, momentum=0.9)
scheduler = CosineLRScheduler(optimizer, t_initial=EPOCHS)
for epoch in range(EPOCHS):
    model.train()
    for batch in torch.randperm(len(images))[:1792].split(64):
        mixed, targets = mixup(images[batch], digits[batch])
        optimizer.zero_grad()
        train_loss_fn(model(mixed), targets).backward()
        optimizer.step()
    scheduler.step(epoch + 1)
model.eval()
with torch.no_grad():
    right = (model(images).argmax(1) == digits).float().mean()
print(f"training accuracy {right:.1%}")
