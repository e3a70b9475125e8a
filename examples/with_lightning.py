"""PyTorch Lightning.

pip install lightning
python examples/with_lightning.py
"""

import lightning
import torch
from data import loader, network, report

from evoloss.losses import loss


class Classifier(lightning.LightningModule):
    """A network with its loss; Lightning moves both."""

    def __init__(self):
        super().__init__()
        self.network = network()
        self.criterion = loss("ngl")

    def training_step(self, batch, index):
        images, digits = batch
        value = self.criterion(self.network(images), digits)
        self.log("loss", value)
        return value

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


lightning.seed_everything(0)
classifier = Classifier()
trainer = lightning.Trainer(
    max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False
)
trainer.fit(classifier, loader())
report(classifier.network)
