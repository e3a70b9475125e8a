"""Figure critical_difference: mean ranks of the methods over tasks, and which of them do not differ significantly.

Tasks are the blocks. Run seeds cannot replace them: runs on one task share its images. More runs show how certain
a rank on this task is, not whether it holds on another task.
"""

import textwrap
from itertools import count

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure
from scipy import stats

from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import Look, looks, new_figure

LEVEL = 0.05
FEWEST_TASKS = 5
FEWEST_METHODS = 3
"""For two methods there is no diagram: their paired difference says more than ranks."""


def needed_tasks(methods: int) -> int:
    """How many tasks a diagram of k = `methods` methods needs.

    The clearest result of N tasks is that one method is always first and another always last. By chance this
    happens to some pair of k methods with probability (k (k - 1)) ** (1 - N), which must be below LEVEL: for k = 3
    from N = 3 on. With so few tasks only a unanimous result counts, and Friedman's chi-square is a poor
    approximation. So FEWEST_TASKS are needed at least: then a difference of two thirds (k = 8) to three quarters
    (k = 3) of the largest possible one is significant by Nemenyi's test.
    """
    pairs = methods * (methods - 1)
    return max(FEWEST_TASKS, next(n for n in count(2) if pairs ** (1.0 - n) < LEVEL))


def task_means(records: StudyRecords) -> pd.DataFrame:
    """Test accuracy of each method's champions (task x method), a mean over champions.

    As in table accuracy, balanced tasks have balanced accuracy, and trainings that did not complete are left out.
    A champion without any completed training on a task counts as 0 there.
    """
    method_of = {c["loss"]: c["method"] for c in records.description["champions"]}
    frame = records.retrained[records.retrained["loss"].isin(list(method_of))]
    balanced = frame["task"].isin(records.description["balanced_tasks"])
    accuracy = frame["test_balanced_accuracy"].where(balanced, frame["test_accuracy"])
    by_champion = accuracy.groupby([frame["task"], frame["loss"]]).mean().fillna(0).reset_index(0)
    by_champion.columns = ["task", "accuracy"]
    by_method = by_champion.groupby(["task", by_champion.index.map(method_of)])["accuracy"].mean()
    order = list(dict.fromkeys(method_of.values()))
    return by_method.unstack().loc[records.description["retrain_tasks"], order]


def mean_ranks(means: pd.DataFrame) -> pd.Series:
    """The mean rank of each method over the tasks; 1 is best, ties share their ranks."""
    return means.rank(axis=1, ascending=False).mean()


def critical_difference(methods: int, tasks: int) -> float:
    """Nemenyi's critical difference: mean ranks that are further apart differ significantly at LEVEL."""
    quantile = stats.studentized_range.ppf(1 - LEVEL, methods, float("inf")) / 2**0.5
    return float(quantile * (methods * (methods + 1) / (6 * tasks)) ** 0.5)


def draw(records: StudyRecords) -> Figure:
    """Friedman's test, then Nemenyi's if Friedman's rejects; a sentence if tasks or methods are too few."""
    names = {champion["method"] for champion in records.description["champions"]}
    tasks = len(records.description["retrain_tasks"])
    if len(names) < FEWEST_METHODS:
        return _sentence(
            f"No critical-difference diagram: it compares {FEWEST_METHODS} or more methods, and "
            f"champions of {len(names)} were retrained. See table search_cost for paired differences."
        )
    if tasks < needed_tasks(len(names)):
        return _sentence(
            f"No critical-difference diagram: the champions were retrained on {tasks} "
            f"{'task' if tasks == 1 else 'tasks'}, and {len(names)} methods need at least "
            f"{needed_tasks(len(names))}. Run seeds cannot replace tasks: runs on the same task "
            "share its images. More runs show how certain a rank on that task is, not whether it "
            "holds on another task."
        )
    return _diagram(task_means(records), looks(records.methods))


def _diagram(means: pd.DataFrame, look_of: dict[str, Look]) -> Figure:
    tasks, methods = means.shape
    with np.errstate(invalid="ignore"):
        test = stats.friedmanchisquare(*(means[name] for name in means))
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(means)
    rejected = test.pvalue < LEVEL  # False for nan, when all methods are tied
    if not rejected:
        p_values.loc[:] = 1.0  # if Friedman's test does not reject, no pair is tested
    # Two methods may have the same display name, so the diagram is drawn with keys, which are then replaced.
    ranks = mean_ranks(means)
    figure, axes = new_figure(height=0.9 + 0.17 * methods)
    axis = axes[0, 0]
    artists = scikit_posthocs.critical_difference_diagram(
        ranks,
        p_values,
        alpha=LEVEL,
        ax=axis,
        color_palette={method: look_of[method].colour for method in means},
        label_props={"fontsize": 8.5},
        text_h_margin=0.05,
        crossbar_props={"color": "#333333", "linewidth": 2.5},
        label_fmt_left="{label}\t{rank:.2f}",
        label_fmt_right="{label}\t{rank:.2f}",
    )
    for label in artists["labels"]:
        method, _, rank = label.get_text().partition("\t")
        left = label.get_ha() == "right"
        name = method_name(method)
        label.set_text(f"{name} ({rank})" if left else f"({rank}) {name}")
        label.set_color("#111111")
    axis.grid(False)
    verdict = (
        f"CD = {critical_difference(methods, tasks):.2f} (Nemenyi, {LEVEL:.0%})"
        if rejected
        else "no significant difference"
    )
    axis.set_title(
        f"Mean rank over {tasks} tasks; Friedman: χ² = {test.statistic:.1f}, "
        f"p = {test.pvalue:.2g}; {verdict}"
        if np.isfinite(test.statistic)
        else f"Mean rank over {tasks} tasks; all methods are equal on all of them",
        pad=14,
    )
    return figure


def _sentence(text: str) -> Figure:
    figure, axes = new_figure(height=1.1)
    axes[0, 0].axis("off")
    axes[0, 0].text(0.5, 0.5, textwrap.fill(text, 85), ha="center", va="center")
    return figure
