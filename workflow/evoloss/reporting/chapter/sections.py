"""The four sections of the chapter: what each says of the study's tables, and which tables and figures stand in it.

An empty sentence ends a paragraph.
"""

import math
from collections.abc import Callable, Mapping

import pandas as pd

from evoloss.reporting.chapter.prose import Prose, listed, share
from evoloss.reporting.latex_table import escaped
from evoloss.reporting.names import loss_name, method_name

Tables = Mapping[str, pd.DataFrame]
"""Name of a table -> its CSV."""

POOLED = "all"

STEPS = {
    "no_rescoring": "not scoring survivors again",
    "check": "the functional check",
    "reuse": "taking over the fitness of losses that train alike",
    "stopped": "stopping trainings early",
}
"""Steps of table `savings` in words."""


def implementation(tables: Tables, prose: Prose) -> list[str]:
    """Hardware, software, data sets and tasks."""
    items = tables["implementation"].set_index("item")["value"].astype(str)
    machine = listed(
        [
            f"{name} {prose.number(items[item], item)}"
            for item, name in (
                ("processor", "the processor"),
                ("cores", "cores:"),
                ("memory", "memory:"),
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
        f"All trainings ran on one kind of machine ({machine}). The software is {packages}, with Python "
        f"{prose.number(items.get('Python', 'unknown'), 'python')}; all versions were read from the records' own metadata.",
    ]
    for row in tables["datasets"].itertuples():
        counts = [
            prose.number(f"{getattr(row, part):,}", row.dataset, part)
            for part in ("training_images", "validation_images", "test_images")
        ]
        sentences.append(
            f"Data set {escaped(row.dataset)} has {counts[0]} training images, {counts[1]} for validation and "
            f"{counts[2]} test images in {prose.number(row.classes, row.dataset, 'classes')} classes. The search does not see "
            "the test images."
        )
    for row in tables["tasks"].itertuples():
        noise = row.label_noise
        wrong = "labels as they are" if pd.isna(noise) else f"wrong labels ({escaped(str(noise))})"
        rate = prose.number(f"{row.learning_rate:g}", row.task, "rate")
        sentences.append(
            f"Task {escaped(row.task)} trains {escaped(row.network)} for {prose.number(row.epochs, row.task, 'epochs')} epochs "
            f"with {wrong}; cross entropy likes a learning rate of {rate} best there."
        )
    return sentences


def settings(tables: Tables, prose: Prose) -> list[str]:
    """What the methods' settings are and where they come from."""
    if "parameters" not in tables:
        return ["The study searches for no losses: it trains known ones, with these settings."]
    frame = tables["parameters"]
    methods = frame["method"].unique()
    stated = frame[frame["published"].notna()]
    differs = stated[stated["published"].astype(str) != stated["value"].astype(str)]
    return [
        f"The study has {prose.number(len(methods), 'methods')} methods: "
        f"{listed([escaped(method_name(m)) for m in methods])}.",
        f"Of their {prose.number(len(frame), 'settings')} settings {prose.number(len(stated), 'stated settings')} are "
        f"stated by a source, and {prose.number(len(differs), 'differing settings')} of these have another value here, "
        "with the published one in parentheses. What no source states was chosen here.",
    ]


def results(tables: Tables, prose: Prose) -> list[str]:
    """What the search found, what it cost, and what the losses are worth on test images."""
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
            f"{name} found losses of fitness {fitness} (mean of {runs} runs; cross entropy is 1) in {trainings} "
            f"trainings, complete or stopped, of together {samples} thousand samples."
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
            when = "in fewer than half of its runs"
        else:
            cost = prose.number(f"{row.cost_to_target / 1000:,.0f}", row.method, "to target")
            when = f"after {cost} thousand samples"
        parts.append(f"{escaped(method_name(row.method))} {when} ({reached} of {of} runs)")
    return [f"A fitness of {level} is reached by the median run of {listed(parts)}."]


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
    """What a study ends with: its champions against cross entropy, or where it has none, the best known losses."""
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
            f"Of the losses that were not bred here {escaped(loss_name(best['loss']))} has the highest mean on {escaped(task)}, "
            rf"{accuracy}\,\% of the test images."
        )
        if best["loss"] != "cross_entropy":
            sentences.append(
                prose.compared(
                    "There,",
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
    """Why similar quality costs less, or why it does not."""
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
        "Had every proposal been trained, and every survivor again in every generation, a search would have cost "
        "more. What is saved of that, and by what, explains what the methods cost."
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
            rf"{STEPS[step]} {prose.number(share(value), method, step)}\,\%"
            for value, step in means
        ]
        saved = listed(parts) if parts else "nothing"
        left = prose.number(share(spent[method]), method, "spent")
        sentences.append(rf"Of {name}: {saved} saved; {left}\,\% were spent.")
    if len(spent) > 1:
        least, most = min(spent, key=spent.get), max(spent, key=spent.get)
        if spent[least] < spent[most]:
            sentences.append(
                rf"By this count {escaped(method_name(least))} saves the largest share and "
                rf"{escaped(method_name(most))} the smallest. The counts are exact and of this study; no test stands behind them."
            )
    return sentences


def _breeding(frame: pd.DataFrame, prose: Prose) -> list[str]:
    return [
        prose.compared(
            f"For {escaped(method_name(row.method))},",
            "the fitness of the champion",
            "that of the best of the first generation",
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
        return ["The study audited too little to say what the functional check loses."]
    row = whole.iloc[0]
    loss, low, high = (
        prose.number(share(row[column]), "check", column)
        for column in ("real_loss", "real_loss_ci_low", "real_loss_ci_high")
    )
    return [
        rf"By the audits the functional check loses {loss}\,\% of the good losses (interval [{low}, {high}]\,\%), which "
        "were rejected before they were trained."
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
"""Title, prose, tables and figures of each section. What a study does not have is left out."""
