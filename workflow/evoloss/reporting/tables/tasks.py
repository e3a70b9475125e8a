"""Table tasks: what each task consists of, how large its network is, and what cross entropy reaches."""

import pandas as pd

from evoloss.learning.label_noise import LabelNoise
from evoloss.reporting.latex_table import Dressed, signed
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task. Multiply-adds are those of one image's forward pass; accuracy is on validation images.

    `label_noise`: what is wrong with the training labels, empty if nothing is. `changed_labels`: how many of them are
    wrong on the first tuning seed's split. `validation`: whether validation labels are `noisy` too, or `clean`.
    """
    rows = []
    for task in records.all_tasks:
        settings = task["settings"]
        noise = LabelNoise.model_validate(settings["label_noise"])
        rows.append(
            {
                "task": task["name"],
                "dataset": settings["dataset"]["name"],
                "network": settings["network"],
                "parameters": task["parameters"],
                "multiply_adds": task["multiply_adds"],
                "training_images": task["training_images"],
                "epochs": settings["epochs"],
                "batch_size": settings["batch_size"],
                "augmentation": " ".join(settings["augmentation"]),
                "label_noise": noise.title() if noise.active else "",
                "changed_labels": task["changed_labels"],
                "validation": settings["validation"] if noise.active else "clean",
                "input_noise": settings["input_noise"],
                "balanced": settings["balanced"],
                "learning_rate": task["learning_rate"],
                "rate_at_edge": task["rate_at_edge"],
                "chance": task["chance"],
                "cross_entropy_accuracy": task["cross_entropy_accuracy"],
            }
        )
    return pd.DataFrame(rows)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Sizes in thousands and millions, accuracies in percent."""
    shown = pd.DataFrame(
        {
            "Task": frame["task"],
            "Data set": frame["dataset"],
            "Network": frame["network"].map(lambda name: name.rpartition(":")[2]),
            "Weights (k)": frame["parameters"].map(lambda v: f"{v / 1e3:,.1f}"),
            "MACs (M)": frame["multiply_adds"].map(lambda v: f"{v / 1e6:,.2f}"),
            "Images": frame["training_images"].map("{:,}".format),
            "Epochs": frame["epochs"].astype(str),
            "Rate": frame["learning_rate"].map(lambda v: f"{v:g}"),
            "CE (%)": frame["cross_entropy_accuracy"].map(lambda v: signed(100 * v, 1)),
        }
    )
    notes = [
        "Weights: trainable parameters, in thousands. MACs: multiply-adds of convolutions and matrix products in "
        "one image's forward pass, in millions. Images: training images. Rate: the best learning rate of cross "
        "entropy. CE: its validation accuracy at that rate."
    ]
    if frame["balanced"].any():
        tasks = ", ".join(frame["task"][frame["balanced"]])
        notes.append(f"Class-balanced accuracy: {tasks}.")
    if frame["rate_at_edge"].any():
        tasks = ", ".join(frame["task"][frame["rate_at_edge"]])
        notes.append(f"The best learning rate is the lowest or highest tried: {tasks}.")
    noisy = frame[frame["label_noise"] != ""]
    notes += [
        f"{row.task}: wrong training labels, {row.label_noise}: {row.changed_labels:,} of "
        f"{row.training_images:,} on the first tuning seed's split; validation labels are "
        + ("noisy in the same way, test labels clean." if row.validation == "noisy" else "clean.")
        for row in noisy.itertuples()
    ]
    noisy = frame[frame["input_noise"] > 0]
    notes += [f"Input noise of {row.input_noise:g} s.d.: {row.task}." for row in noisy.itertuples()]
    return Dressed(shown, notes=tuple(notes))
