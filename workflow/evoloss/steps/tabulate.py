"""Rule tabulate: one table as CSV (raw), LaTeX and Markdown (formatted)."""

import argparse
import importlib

from evoloss.command_line import Flags, run_step
from evoloss.files import atomic_path, write_text
from evoloss.reporting.latex_table import to_latex, to_markdown
from evoloss.reporting.study_records import StudyRecords, add_record_flags


def main(flags: Flags) -> None:
    """Build the table from the study's records and write its three files."""
    table = importlib.import_module(f"evoloss.reporting.tables.{flags.table}")
    records = StudyRecords(flags.folder, flags.description)
    frame = table.build(records)
    dressed = table.dress(frame, records)
    with atomic_path(flags.csv) as temporary:
        frame.to_csv(temporary, index=False)
    label = f"tab:{flags.study}:{flags.table}"
    write_text(flags.tex, to_latex(dressed, flags.caption, label))
    write_text(flags.md, to_markdown(dressed))
    print(to_markdown(dressed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="name of the table")
    add_record_flags(parser)
    parser.add_argument("--caption", default="", help="caption of the LaTeX table, as plain text")
    parser.add_argument("--csv", required=True, help="file to write")
    parser.add_argument("--tex", required=True, help="file to write")
    parser.add_argument("--md", required=True, help="file to write")
    run_step(main, parser)
