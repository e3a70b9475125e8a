"""Does a network with cross entropy reach the test accuracy that is known for such a network?

Fashion-MNIST's own benchmark page (github.com/zalandoresearch/fashion-mnist) lists 90.3 % and 92.1 % for
two networks of three convolutions with pooling and batch norm, of unstated size:

    python tests/benchmarks/reference_accuracy.py '{source: fashion_mnist, validation_fraction: 0.1}' --epochs 30
    python tests/benchmarks/reference_accuracy.py '{source: image_folder, path: data/cifar10-images}' --epochs 20
"""

import argparse
import tempfile
from pathlib import Path

import yaml

from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import accuracy
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", help="a task's dataset, as YAML")
    parser.add_argument("--network", default="convnet")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.4)
    parser.add_argument("--augmentation", nargs="*", default=[])
    flags = parser.parse_args()
    settings = TaskSettings.model_validate(
        {
            "dataset": yaml.safe_load(flags.dataset),
            "network": flags.network,
            "epochs": flags.epochs,
            "batch_size": flags.batch_size,
            "augmentation": flags.augmentation,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        prepare(settings.dataset, data / settings.dataset.name, {}, readers=2)
        task = load_task("reference", settings, data, choose_device("auto"))
        test = task.part(load_test_split(data / settings.dataset.name))
    loss = task_loss(CROSS_ENTROPY, task.classes, match_gradient_scale=True)
    (result,) = train([loss], task, [flags.rate], 0)
    if result.network is None:
        raise SystemExit(f"the training {result.status}: {result.reason}")
    print(
        f"{flags.network}, {flags.epochs} epochs: validation {result.validation_accuracy:.2%}, test "
        f"{accuracy(result.network, test):.2%}, {result.training_samples / result.seconds:,.0f} images/s"
    )


if __name__ == "__main__":
    main()
