"""Rule compile_chapter: compile the chapter to PDF; without pdflatex, write a sentence that says so."""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from evoloss.command_line import Flags, run_step
from evoloss.errors import UserError
from evoloss.files import write_text

RUNS = 3
"""Runs of pdflatex until references and the columns of long tables are settled."""


def main(flags: Flags) -> None:
    """Run pdflatex in the folder of the chapter, and report the result."""
    document = Path(flags.document)
    pdf = document.with_suffix(".pdf")
    pdf.unlink(missing_ok=True)
    if not flags.pdflatex:
        verdict = "pdflatex is not installed, so the chapter was not compiled; Debian has it in texlive-latex-recommended."
    else:
        verdict = compiled(flags.pdflatex, document, pdf)
    write_text(flags.output, verdict + "\n")
    print(verdict)


def compiled(pdflatex: str, document: Path, pdf: Path) -> str:
    """Compile and return a summary; raises UserError with TeX's first error if that fails."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            pdflatex,
            "-interaction=nonstopmode",
            "-halt-on-error",
            f"-output-directory={scratch}",
            document.name,
        ]
        for _ in range(RUNS):
            done = subprocess.run(
                command, cwd=document.parent, capture_output=True, text=True, errors="replace"
            )
            if done.returncode:
                break
        log = done.stdout
        if done.returncode:
            complaint = re.search(r"^!.*(?:\n.*){0,4}", log, re.MULTILINE)
            raise UserError(
                f"pdflatex cannot compile {document}: {complaint[0] if complaint else log[-500:]}"
            )
        shutil.copy(Path(scratch) / pdf.name, pdf)
    pages = re.search(r"\((\d+) pages?", log)
    wide = len(re.findall(r"^Overfull \\hbox", log, re.MULTILINE))
    return f"{pdf.name}: {pages[1] if pages else '?'} pages, {wide} overfull boxes."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", required=True, help="the document around the chapter")
    parser.add_argument("--pdflatex", default="", help="pdflatex, where it is installed")
    parser.add_argument("--output", required=True, help="file to write the outcome to")
    run_step(main, parser)
