"""What the first race of a method lost, in a study that trained the same candidates in full for another method.

    python tests/benchmarks/race_on_records.py results/fashion_racing egp_racing

One line a run: the best of the pool and the best that the race left, in validation accuracy; what the race
cost of the full trainings; and, of those still in it at each rung, the rank correlation with the accuracy of the
full training. For studies of one search task whose method takes its whole pool.
"""

import argparse
from pathlib import Path

import pandas as pd

TRAINED = "evaluations/*.parquet"


def main() -> None:
    """Compare the two tables of every run seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="results/<study>")
    parser.add_argument("method", help="a method with racing")
    parser.add_argument("--pool", default="default")
    flags = parser.parse_args()
    search = flags.study / "search"
    for folder in sorted((search / flags.method).glob("seed*")):
        pool = trained(search / "pools" / flags.pool / folder.name)
        race = trained(folder / "generation0")
        if pool is None or race is None:
            continue
        full = pool["validation_accuracy"].fillna(0.0)
        left = race["validation_accuracy"].dropna()
        cost = race["training_samples"].sum() / pool["training_samples"].sum()
        rungs = race["rung_accuracies"].apply(pd.Series)
        ranks = rungs.corrwith(full, method="spearman").round(2).tolist()
        print(
            f"{folder.name}: best of {len(full)} {full.max():.4f}, of the race {left.max():.4f}, "
            f"cost {cost:.3f}, rank correlation by rung {ranks}"
        )


def trained(folder: Path) -> pd.DataFrame | None:
    """The evaluations of a folder by candidate and rate, or None while there are none."""
    parts = [pd.read_parquet(path) for path in sorted(folder.glob(TRAINED))]
    return pd.concat(parts).set_index(["candidate_id", "rate_multiple"]) if parts else None


if __name__ == "__main__":
    main()
