"""Rule plot: one figure as PDF (for the thesis) and PNG (for the report)."""

import argparse
import importlib

from evoloss.command_line import Flags, run_step
from evoloss.reporting.study_records import StudyRecords, add_record_flags
from evoloss.reporting.style import save


def main(flags: Flags) -> None:
    """Draw the figure from the study's records and write its files."""
    figure = importlib.import_module(f"evoloss.reporting.figures.{flags.figure}")
    save(figure.draw(StudyRecords(flags.folder, flags.description)), [flags.pdf, flags.png])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="name of the figure")
    add_record_flags(parser)
    parser.add_argument("--pdf", required=True, help="file to write")
    parser.add_argument("--png", required=True, help="file to write")
    run_step(main, parser)
