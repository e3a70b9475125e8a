"""Hugging Face's Trainer, by its `compute_loss_func`.

pip install transformers accelerate
python examples/with_transformers.py
"""

import tempfile

from data import CLASSES, images_and_digits
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

from evoloss.losses import loss


class Digits(Dataset):
    """What the model's `forward` takes, by name."""

    def __init__(self):
        self.images, self.digits = images_and_digits()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {"pixel_values": self.images[index], "labels": self.digits[index]}


criterion = loss("gce", reduction="sum")


def compute_loss(outputs, labels, num_items_in_batch=None):
    """The sum over a batch by the number of labels, which is of all accumulated batches."""
    return criterion(outputs.logits, labels) / (num_items_in_batch or len(labels))


config = ViTConfig(
    image_size=8,
    patch_size=2,
    num_channels=1,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    num_labels=CLASSES,
)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder,
        num_train_epochs=20,
        per_device_train_batch_size=64,
        learning_rate=3e-3,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        seed=0,
    )
    trainer = Trainer(
        model=ViTForImageClassification(config),
        args=arguments,
        train_dataset=Digits(),
        compute_loss_func=compute_loss,
        compute_metrics=lambda found: {
            "accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())
        },
    )
    trainer.train()
    print(f"training accuracy {trainer.evaluate(Digits())['eval_accuracy']:.1%}")
