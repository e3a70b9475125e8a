"""Rule chapter: write the study as a LaTeX chapter, its numbers as macros, and a document that `\\input`s it."""

import argparse
import json
from pathlib import Path

import pandas as pd

from evoloss.command_line import Flags, run_step
from evoloss.files import write_text
from evoloss.reporting.chapter.document import chapter, wrapper
from evoloss.reporting.chapter.prose import Prose
from evoloss.reporting.chapter.sections import verdict


def main(flags: Flags) -> None:
    """Write the chapter from the study's tables (`.csv`; `.tex` says which break over pages)."""
    description = json.loads(flags.description)
    folder = Path(flags.folder)
    tables = {
        name: pd.read_csv(folder / "tables" / f"{name}.csv") for name in description["tables"]
    }
    long = {
        name
        for name in tables
        if r"\begin{longtable}" in (folder / "tables" / f"{name}.tex").read_text(encoding="utf-8")
    }
    prose = Prose(description["confidence"])
    text = chapter(
        flags.study, tables, long, description["figures"], description["captions"], prose
    )
    write_text(flags.chapter, text)
    write_text(flags.macros, prose.definitions())
    write_text(flags.document, wrapper(Path(flags.document).name))
    write_text(flags.verdict, "\n".join(ending(tables, prose, folder)) + "\n")
    print(f"{len(prose.macros)} numbers in {flags.chapter}")


def ending(tables: dict[str, pd.DataFrame], prose: Prose, folder: Path) -> list[str]:
    """The last lines that a run prints: the verdict, and the best loss that was bred."""
    lines = [prose.plain(sentence) for sentence in verdict(tables, prose)]
    if "champion_formulas" in tables:
        frame = tables["champion_formulas"]
        best = frame.loc[frame["fitness"].idxmax()]
        file = folder / "losses" / f"{best['method']}_seed{best['run_seed']}.py"
        lines.append(
            f"Best loss: {file}, re-scored fitness {best['fitness']:.3f} (cross entropy = 1)."
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="folder of the study")
    parser.add_argument("--description", required=True, help="contents of the chapter, as JSON")
    parser.add_argument("--chapter", required=True, help="file to write")
    parser.add_argument("--macros", required=True, help="file to write")
    parser.add_argument("--document", required=True, help="file to write")
    parser.add_argument("--verdict", required=True, help="file to write")
    run_step(main, parser)
