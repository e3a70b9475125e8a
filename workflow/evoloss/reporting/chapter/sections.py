"""The four sections of the chapter: their sentences, written from the study's tables, and their tables and figures.

An empty sentence ends a paragraph.
"""

import math
from collections.abc import Callable, Mapping

import pandas as pd

from evoloss.reporting.chapter.prose import Prose, listed, share
from evoloss.reporting.latex_table import escaped
from evoloss.reporting.names import loss_name, method_name

Tables = Mapping[str, pd.DataFrame]
"""Name of a table -> the contents of its CSV file."""

POOLED = "all"

STEPS = {
    "no_rescoring": "not scoring survivors again",
    "check": "the functional check",
    "reuse": "reusing the fitness of losses that train alike",
    "stopped": "stopping trainings early",
}
"""Steps of table `savings`, in words that follow "by"."""


def implementation(tables: Tables, prose: Prose) -> list[str]:
    """Hardware, software, data sets and tasks."""
    items = tables["implementation"].set_index("item")["value"].astype(str)
    machine = listed(
        [
            f"{name} {prose.number(items[item], item)}"
            for item, name in (
                ("processor", "processor"),
                ("cores", "number of cores"),
                ("memory", "memory"),
            )
            if item in items
        ]
    )
    packages = listed(
        [
            f"{item} {prose.number(items[item], item)}"
            for item in ("torch", "torchvision", "snakemake")
            if item in items
        ]
    )
    sentences = [
        f"The study ran on this hardware: {machine}. The software is {packages}, with Python "
        f"{prose.number(items.get('Python', 'unknown'), 'python')}. All this was read from the metadata of the records."
    ]
    for row in tables["datasets"].itertuples():
        counts = [
            prose.number(f"{getattr(row, part):,}", row.dataset, part)
            for part in ("training_images", "validation_images", "test_images")
        ]
        sentences.append(
            f"Data set {escaped(row.dataset)} has {counts[0]} training images, {counts[1]} validation images and "
            f"{counts[2]} test images in {prose.number(row.classes, row.dataset, 'classes')} classes. The search never sees "
            "the test images."
        )
    for row in tables["tasks"].itertuples():
        noise = row.label_noise
        wrong = "unchanged labels" if pd.isna(noise) else f"wrong labels ({escaped(str(noise))})"
        rate = prose.number(f"{row.learning_rate:g}", row.task, "rate")
        sentences.append(
            f"Task {escaped(row.task)} trains {escaped(row.network)} for {prose.number(row.epochs, row.task, 'epochs')} epochs "
            f"with {wrong}. The best learning rate of cross entropy on this task is {rate}."
        )
    return sentences


def settings(tables: Tables, prose: Prose) -> list[str]:
    """How many settings the methods have, and how many come from a source."""
    if "parameters" not in tables:
        return ["The study does not search for losses. It trains known losses with these settings."]
    frame = tables["parameters"]
    methods = frame["method"].unique()
    stated = frame[frame["published"].notna()]
    differs = stated[stated["published"].astype(str) != stated["value"].astype(str)]
    return [
        f"The study has {prose.number(len(methods), 'methods')} methods: "
        f"{listed([escaped(method_name(m)) for m in methods])}.",
        f"Of their {prose.number(len(frame), 'settings')} settings, a source states {prose.number(len(stated), 'stated settings')}; "
        f"for {prose.number(len(differs), 'differing settings')} of these the value here differs, and the published value "
        "is in parentheses in the table of settings. Settings that no source states were chosen here.",
    ]


def results(tables: Tables, prose: Prose) -> list[str]:
    """What the search found, what it cost, and how accurate the losses are on test images."""
    sentences = []
    if "search_cost" in tables:
        sentences += [*_search(tables["search_cost"], prose), ""]
    if "champions" in tables:
        sentences += [*_champions(tables["champions"], prose), ""]
    if "accuracy" in tables:
        sentences += _published(tables["accuracy"], prose)
    return sentences


def _search(frame: pd.DataFrame, prose: Prose) -> list[str]:
    sentences = []
    reference = frame[frame["fitness_difference"].isna()]["method"]
    other = escaped(method_name(reference.iloc[0])) if len(reference) else "the reference"
    for row in frame.itertuples():
        name, key = escaped(method_name(row.method)), row.method
        fitness = prose.number(f"{row.best_fitness:.3f}", key, "fitness")
        samples = prose.number(f"{row.training_samples / 1000:,.0f}", key, "samples")
        trainings = prose.number(f"{row.evaluations:.0f}", key, "trainings")
        runs = prose.number(row.runs, key, "runs")
        sentences.append(
            f"The champions of {name} have a fitness of {fitness} (mean of {runs} runs; cross entropy is 1). A run took "
            f"{trainings} trainings on average, complete or stopped, and {samples} thousand training samples."
        )
        if row.method not in set(reference):
            sentences.append(
                prose.compared(
                    "",
                    f"the fitness of {name}",
                    f"that of {other}",
                    (row.fitness_difference, row.difference_ci_low, row.difference_ci_high),
                    row.p_value,
                    row.runs,
                    "",
                    3,
                    key,
                    "to reference",
                )
            )
    sentences += _to_target(frame, prose)
    return sentences


def _to_target(frame: pd.DataFrame, prose: Prose) -> list[str]:
    level = prose.number(f"{frame['target'].iloc[0]:.3g}", "target")
    parts = []
    for row in frame.itertuples():
        reached = prose.number(round(row.reached_share * row.target_runs), row.method, "reached")
        of = prose.number(row.target_runs, row.method, "target runs")
        if math.isinf(row.cost_to_target):
            when = "in at most half of its runs"
        else:
            cost = prose.number(f"{row.cost_to_target / 1000:,.0f}", row.method, "to target")
            when = f"after a median of {cost} thousand samples"
        parts.append(f"by {escaped(method_name(row.method))} {when} ({reached} of {of} runs)")
    return [f"A fitness of {level} was reached {listed(parts)}."]


def _champions(frame: pd.DataFrame, prose: Prose) -> list[str]:
    sentences = []
    for task, rows in frame.groupby("task", sort=False):
        pooled = rows[rows["method"] == POOLED]
        row = (pooled if len(pooled) else rows).iloc[0]
        sentences.append(
            prose.compared(
                f"On task {escaped(task)},",
                "the test accuracy of the champions",
                "that of cross entropy",
                tuple(
                    100 * row[column]
                    for column in (
                        "difference_to_cross_entropy",
                        "cross_entropy_ci_low",
                        "cross_entropy_ci_high",
                    )
                ),
                math.nan,
                int(row["run_seeds"]),
                " points",
                2,
                task,
                "champions",
            )
        )
    return sentences


def verdict(tables: Tables, prose: Prose) -> list[str]:
    """The result of a study: its champions against cross entropy or, without champions, the best known losses."""
    if "champions" in tables and len(tables["champions"]):
        return _champions(tables["champions"], prose)
    return _published(tables["accuracy"], prose) if "accuracy" in tables else []


def _published(frame: pd.DataFrame, prose: Prose) -> list[str]:
    sentences = []
    for task, rows in frame.groupby("task", sort=False):
        known = rows[~rows["loss"].str.contains(r"_seed\d+$") & rows["test_accuracy"].notna()]
        if known.empty:
            continue
        best = known.loc[known["test_accuracy"].idxmax()]
        accuracy = prose.number(f"{100 * best['test_accuracy']:.1f}", task, "best known")
        sentences.append(
            f"On task {escaped(task)}, {escaped(loss_name(best['loss']))} has the highest mean test accuracy of the losses "
            rf"that were not bred here: {accuracy}\,\%."
        )
        if best["loss"] != "cross_entropy":
            sentences.append(
                prose.compared(
                    "On this task,",
                    f"the test accuracy of {escaped(loss_name(best['loss']))}",
                    "that of cross entropy",
                    tuple(
                        100 * best[c] for c in ("difference_to_cross_entropy", "ci_low", "ci_high")
                    ),
                    best["p_value"],
                    int(best["training_seeds"]),
                    " points",
                    2,
                    task,
                    "best known to baseline",
                )
            )
    return sentences


def analysis(tables: Tables, prose: Prose) -> list[str]:
    """Why similar quality costs less, or does not: savings, breeding and the functional check."""
    sentences = []
    if "savings" in tables:
        sentences += [*_savings(tables["savings"], prose), ""]
    if "breeding" in tables:
        sentences += [*_breeding(tables["breeding"], prose), ""]
    if "functional_check" in tables:
        sentences += _check(tables["functional_check"], prose)
    return sentences


def _savings(frame: pd.DataFrame, prose: Prose) -> list[str]:
    sentences = [
        "A naive search trains every proposal, and trains every survivor again in every generation. The shares "
        "below are of the training samples of this naive search; they explain what the methods cost."
    ]
    spent = {}
    for method, rows in frame.groupby("method", sort=False):
        shares = rows.set_index("step")["share_of_naive"]
        name = escaped(method_name(method))
        spent[method] = shares.get("spent", math.nan)
        means = sorted(
            ((shares[step], step) for step in STEPS if shares.get(step, 0) > 0.005), reverse=True
        )
        parts = [
            rf"{prose.number(share(value), method, step)}\,\% by {STEPS[step]}"
            for value, step in means
        ]
        saved = listed(parts) if parts else "nothing"
        left = prose.number(share(spent[method]), method, "spent")
        sentences.append(rf"{name} saved {saved}; it spent {left}\,\%.")
    if len(spent) > 1:
        least, most = min(spent, key=spent.get), max(spent, key=spent.get)
        if spent[least] < spent[most]:
            sentences.append(
                rf"By this count, {escaped(method_name(least))} saves the largest share and "
                rf"{escaped(method_name(most))} the smallest. The counts are exact for this study, without a test."
            )
    return sentences


def _breeding(frame: pd.DataFrame, prose: Prose) -> list[str]:
    return [
        prose.compared(
            f"For {escaped(method_name(row.method))},",
            "the fitness of the champions",
            "that of the best individuals of the first generation",
            (row.gain, row.ci_low, row.ci_high),
            row.p_value,
            row.runs,
            "",
            3,
            row.method,
            "breeding",
        )
        for row in frame.itertuples()
    ]


def _check(frame: pd.DataFrame, prose: Prose) -> list[str]:
    whole = frame[(frame["method"] == POOLED) & (frame["stage"] == "check")]
    if whole.empty or math.isnan(whole["real_loss"].iloc[0]):
        return ["The audits cannot tell how many good losses the functional check rejects."]
    row = whole.iloc[0]
    loss, low, high = (
        prose.number(share(row[column]), "check", column)
        for column in ("real_loss", "real_loss_ci_low", "real_loss_ci_high")
    )
    return [
        rf"According to the audits, the functional check rejects {loss}\,\% of the good losses (interval [{low}, "
        rf"{high}]\,\%) before they are trained."
    ]


SECTIONS: list[tuple[str, Callable[[Tables, Prose], list[str]], list[str], list[str]]] = [
    (
        "Implementation details",
        implementation,
        ["implementation", "datasets", "tasks"],
        ["flowchart"],
    ),
    ("Parameter settings", settings, ["parameters", "stages", "study_settings", "losses"], []),
    (
        "Results",
        results,
        [
            "search_cost",
            "champions",
            "champion_formulas",
            "accuracy",
            "transfer",
            "epochs_to_target",
            "published_losses",
            "label_noise",
        ],
        [
            "anytime",
            "target_reached",
            "generations",
            "test_accuracy",
            "training_curves",
            "loss_shapes",
            "loss_landscape",
            "reliability",
            "critical_difference",
            "published_losses",
        ],
    ),
    (
        "Analysis",
        analysis,
        ["savings", "breeding", "functional_check", "ablation"],
        ["funnel", "cost_accuracy", "size_accuracy", "lineage"],
    ),
]
"""Title, prose, tables and figures of each section; `chapter` leaves out what a study does not have."""
