"""Keras 3 on torch: a loss of Keras is a function of (labels, predictions), in this order.

pip install keras
python examples/with_keras.py
"""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from data import CLASSES, images_and_digits

from evoloss.losses import loss

criterion = loss("gce", reduction="none")


def gce(labels, logits):
    """The loss of each sample; Keras takes the mean."""
    return criterion(logits, labels.reshape(-1).long())


keras.utils.set_random_seed(0)
images, digits = images_and_digits()
model = keras.Sequential(
    [
        keras.layers.Input((8, 8, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(CLASSES),  # logits: no softmax
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
    loss=gce,
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
inputs = images.permute(0, 2, 3, 1).numpy()
model.fit(inputs, digits.numpy(), epochs=10, batch_size=64, verbose=0)
_, right = model.evaluate(inputs, digits.numpy(), verbose=0)
print(f"training accuracy {right:.1%}")
