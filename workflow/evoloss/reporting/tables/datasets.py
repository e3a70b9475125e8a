"""Table datasets: images, splits and classes of every data set."""

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.study_records import StudyRecords


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per data set."""
    return pd.DataFrame(
        [
            {
                "dataset": manifest["name"],
                "source": manifest["source"],
                "channels": manifest["shape"][0],
                "height": manifest["shape"][1],
                "width": manifest["shape"][2],
                "classes": manifest["classes"],
                "training_images": manifest["images"]["train"],
                "validation_images": manifest["images"]["validation"],
                "test_images": manifest["images"]["test"],
                "split_seed": manifest["settings"]["split_seed"],
                "contradicting_twins": manifest["doubles"]["contradicting"],
                "test_images_in_training": manifest["doubles"]["in_test"],
            }
            for manifest in records.manifests
        ]
    )


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row per data set, with the shape in one column. Notes report duplicate images."""
    shapes = frame["channels"].astype(str) + " × " + frame["height"].astype(str)
    notes = [
        f"{row.dataset}: {row.contradicting_twins} training images have an identical copy with another "
        f"label; {row.test_images_in_training} test images are also in the training part."
        for row in frame.itertuples()
        if row.contradicting_twins or row.test_images_in_training
    ]
    return Dressed(
        pd.DataFrame(
            {
                "Data set": frame["dataset"],
                "Shape": shapes + " × " + frame["width"].astype(str),
                "Classes": frame["classes"].astype(str),
                "Training": frame["training_images"].map("{:,}".format),
                "Validation": frame["validation_images"].map("{:,}".format),
                "Test": frame["test_images"].map("{:,}".format),
            }
        ),
        notes=tuple(notes),
    )
