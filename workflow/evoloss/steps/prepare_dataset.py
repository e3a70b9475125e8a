"""Rule prepare_dataset: a data set's images to Parquet, with splits and a manifest."""

import argparse
from pathlib import Path

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.learning.datasets import prepare
from evoloss.learning.settings import DatasetSettings
from evoloss.provenance import record


def main(flags: Flags) -> None:
    """Write train, validation and test Parquet, then the manifest that others depend on."""
    settings = parse_settings(DatasetSettings, flags.settings)
    metadata = record(flags.study, "prepare_dataset", settings=settings.model_dump(mode="json"))
    manifest = prepare(settings, Path(flags.folder), metadata)
    print(f"{manifest['name']}: {manifest['images']} images of shape {manifest['shape']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="data set settings as JSON")
    parser.add_argument(
        "--folder", required=True, help="folder for the Parquet files and manifest.json"
    )
    run_step(main, parser)
