"""Table search_cost from a study's Parquet files, for recompute.py."""

import math

import numpy as np
import pandas as pd
from recompute_study import CE, Study, median, paired, spread


def gains(study: Study, rescored: pd.DataFrame) -> pd.DataFrame:
    """The re-scored trainings with their gain: chance 0, cross entropy on the run's seeds and splits 1."""
    chance = rescored["task"].map({name: t["chance"] for name, t in study.tasks.items()})
    fixed = rescored["task"].map({n: t["cross_entropy_accuracy"] for n, t in study.tasks.items()})
    run = [rescored[name] for name in ("method", "run_seed", "task")]
    own = rescored["validation_accuracy"].where(rescored["role"] == CE)
    measured = own.groupby(run).transform("mean").fillna(fixed)
    gain = (rescored["validation_accuracy"] - chance) / (measured - chance)
    done = rescored["status"].isin(["completed", "reused"])
    return rescored.assign(gain=gain.where(done))


def fitness(trainings: pd.DataFrame, unit: list[str], tasks: int) -> pd.Series:
    """Means within a task, then over tasks; nan where a training failed or a task is missing."""
    strict = trainings.groupby([*unit, "task"])["gain"].apply(lambda g: g.mean(skipna=False))
    whole = strict.groupby(unit).agg(["count", "size", "mean"])
    return whole["mean"].where((whole["count"] == tasks) & (whole["size"] == tasks))


def left_out(by_repeat: pd.DataFrame) -> float:
    """The champion's fitness where the other repeats choose it (candidates x repeats)."""
    cells = by_repeat.drop(index=CE, errors="ignore").dropna().sort_index()
    if cells.empty:
        return math.nan
    single = cells.shape[1] == 1
    others = cells if single else pd.DataFrame({k: cells.sum(axis=1) - cells[k] for k in cells})
    return float(np.mean([cells.loc[others[k].idxmax(), k] for k in cells]))


def unexplained(by_repeat: pd.DataFrame) -> float:
    """The residual s.d. of a two-way table without interaction, from least squares."""
    cells = by_repeat.dropna()
    rows, columns = cells.shape
    if min(rows, columns) < 2:
        return math.nan
    design = np.hstack(
        [np.repeat(np.eye(rows), columns, axis=0), np.tile(np.eye(columns), (rows, 1))]
    )
    values = cells.to_numpy().ravel()
    residual = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return float((residual @ residual / ((rows - 1) * (columns - 1))) ** 0.5)


def target(study: Study) -> float:
    share, loss = (
        float(study.settings["report", "target.share"]),
        study.settings.get(("report", "target.loss"), CE),
    )
    if loss == CE:
        return share
    ratios = []
    for name, task in study.tasks.items():
        ends = []
        for one in (loss, CE):
            rows = study.retrained(name, one)
            rows = rows[rows["status"] == "completed"]
            ends.append(rows["validation_accuracy"].map(lambda curve: curve[-1]).mean())
        ratios.append((ends[0] - task["chance"]) / (ends[1] - task["chance"]))
    return share * float(np.mean(ratios))


def search_cost(study: Study, csv: pd.DataFrame) -> pd.DataFrame:
    methods = list(csv["method"])
    reference, run = study.reference(methods), ["method", "run_seed"]
    rescored = gains(study, study.runs("rescored.parquet", methods))
    ledger = study.runs("ledger.parquet", methods).sort_values([*run, "generation"])
    scores = fitness(rescored, [*run, "candidate_id"], len(study.tasks))
    repeats = fitness(rescored, [*run, "candidate_id", "repeat"], len(study.tasks))
    tables = {key: part.droplevel(run).unstack("repeat") for key, part in repeats.groupby(run)}
    champions = pd.Series({key: left_out(t) for key, t in tables.items()}).unstack(0)[methods]
    differences = paired(champions, reference, study.confidence, study.overlap)

    ledger["spent"] = ledger.groupby(run)["training_samples"].cumsum()
    keys = pd.MultiIndex.from_frame(ledger[[*run, "incumbent"]])
    ledger["rescored"] = scores.reindex(keys).to_numpy()
    level = target(study)
    by_run = dict(iter(ledger.groupby(run)))

    def first(part: pd.DataFrame, wanted: float) -> float:
        there = part["spent"][part["rescored"] >= wanted]
        return there.min() if len(there) else math.inf

    sweeps = [study.folder / "tasks" / f"{t}.learning_rate.parquet" for t in study.tasks]
    tuning = sum(pd.read_parquet(path)["training_samples"].sum() for path in sweeps)
    at_once = sum(
        bool(
            by_run[reference, seed]["rescored"].iloc[0] >= by_run[reference, seed]["rescored"].max()
        )
        for seed in study.seeds
    )
    summed = {"rescore_search_samples": "rescore_samples"} | {
        name: name
        for name in [
            "evaluations",
            "failed_evaluations",
            "stopped_evaluations",
            "reused",
            "training_samples",
            "training_seconds",
            "validation_seconds",
            "check_seconds",
            "proposals",
        ]
    }
    rows = []
    for method in methods:
        matches, reaches, luck, widths = [], [], [], []
        for seed in study.seeds:
            mine, theirs = by_run[method, seed], by_run[reference, seed]
            goal = theirs["rescored"].max()
            matches.append(first(mine, goal) / first(theirs, goal) if goal == goal else math.nan)
            known = mine["rescored"].notna().any()
            reaches.append(first(mine, level) if known else math.nan)
            luck.append(mine["best_fitness"].iloc[-1] - mine["rescored"].iloc[-1])
            widths.append(mine["fitness_sd"].iloc[-1])
        matches, reaches = (np.array(v)[~np.isnan(v)] for v in (matches, reaches))
        match, reach = (median(v, study.confidence) for v in (matches, reaches))
        noise = pd.Series([unexplained(tables[method, seed]) for seed in study.seeds])
        own, mine = champions[method], ledger[ledger["method"] == method]
        known = own.dropna().to_numpy()
        off_books = rescored[rescored["method"] == method].groupby("run_seed")["training_samples"]
        d, bare = differences[method], method == reference
        rows.append(
            {
                "method": method,
                "runs": len(known),
                "best_fitness": known.mean() if len(known) else math.nan,
                "best_fitness_sd": spread(known),
                "fitness_of_runs": " ".join(f"{value:.6g}" for value in own),
                "fitness_difference": d["mean"],
                "difference_ci_low": d["low"],
                "difference_ci_high": d["high"],
                "difference_sd": d["sd"],
                "differing_runs": d["differing"],
                "p_value": d["p"],
                "cost_to_match": match[0],
                "cost_to_match_ci_low": math.nan if bare else match[1],
                "cost_to_match_ci_high": math.nan if bare else match[2],
                "matched_share": np.isfinite(matches).mean() if len(matches) else math.nan,
                "compared_runs": len(matches),
                "decided_at_once": at_once,
                "target": level,
                "cost_to_target": reach[0],
                "cost_to_target_ci_low": reach[1],
                "cost_to_target_ci_high": reach[2],
                "reached_share": np.isfinite(reaches).mean() if len(reaches) else math.nan,
                "target_runs": len(reaches),
                **{
                    name: mine.groupby("run_seed")[column].sum().mean()
                    for name, column in summed.items()
                },
                "fitness_noise_sd": noise.mean(),
                "population_sd": pd.Series(widths, dtype=float).mean(),
                "winners_luck": pd.Series(luck, dtype=float).mean(),
                "rescore_samples": off_books.sum().mean(),
                "tuning_samples": tuning,
                "peak_memory_bytes": mine["peak_memory_bytes"].max(),
            }
        )
    frame = pd.DataFrame(rows)
    base = frame["training_samples"][frame["method"] == reference].iloc[0]
    return frame.assign(relative_cost=frame["training_samples"] / base)
