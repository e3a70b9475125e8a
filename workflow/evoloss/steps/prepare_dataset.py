"""Rule prepare_dataset: write a data set's images to Parquet, with splits and a manifest."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.learning.image_folder import ignored
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.sources import SOURCES
from evoloss.provenance import record


def main(flags: Flags) -> None:
    """Write train, validation and test Parquet, then the manifest that other rules depend on."""
    settings = parse_settings(DatasetSettings, flags.settings)
    metadata = record(flags, "prepare_dataset", settings=settings)
    place = {"root": flags.place} if settings.path is None else {"path": flags.place}
    settings = settings.model_copy(update=place)
    manifest = prepare(settings, Path(flags.folder), metadata, flags.source_state, flags.readers)
    print(f"{manifest['name']}: {manifest['images']} images of shape {manifest['shape']}")
    for sentence in warnings(manifest, settings):
        print(f"warning: {sentence}")


def warnings(manifest: dict[str, Any], settings: DatasetSettings) -> Iterator[str]:
    """What a user should know about a data set before trusting its numbers."""
    doubles = manifest["doubles"]
    if doubles["contradicting"]:
        yield f"{doubles['contradicting']} training images have an identical twin of another class"
    if doubles["in_test"]:
        yield f"{doubles['in_test']} test images are also training images"
    if settings.source == "image_folder":
        for what, count in ignored(settings.place()).items():
            yield (
                f"{what} is not read"
                if what.endswith("/")
                else f"{count} files {what} are not read"
            )
    official = SOURCES[manifest["source"]].images
    found = manifest["images"]
    if official and official != (found["train"] + found["validation"], found["test"]):
        yield f"the official split has {official[0]:,} training and {official[1]:,} test images"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="data set settings as JSON")
    parser.add_argument("--place", required=True, help="folder that the images are read from")
    parser.add_argument("--readers", type=int, default=1, help="processes that decode images")
    parser.add_argument(
        "--source-state", required=True, help="digest of the files there, for the manifest"
    )
    parser.add_argument(
        "--folder", required=True, help="folder for the Parquet files and manifest.json"
    )
    run_step(main, parser)
