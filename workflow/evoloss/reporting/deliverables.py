"""The tables and figures of a study, and the records that each is made from.

This registry is in no rule's code digest. A new table needs a module in `tables/` and a line here.
"""

TABLES: dict[str, tuple[str, ...]] = {
    "implementation": ("runs", "retrained"),
    "datasets": ("datasets",),
    "tasks": ("tasks",),
    "parameters": ("parameters",),
    "study_settings": ("parameters",),
    "stages": ("checks",),
    "losses": ("losses",),
    "search_cost": ("runs",),
    "savings": ("runs",),
    "breeding": ("runs",),
    "functional_check": ("runs", "audit", "scores"),
    "accuracy": ("retrained",),
    "published_losses": ("retrained", "tasks", "conditions"),
    "label_noise": ("retrained", "tasks", "conditions"),
    "champions": ("retrained", "reference"),
    "champion_formulas": ("shapes",),
    "epochs_to_target": ("retrained",),
    "transfer": ("retrained",),
    "ablation": ("runs", "ablation"),
}
"""Name of a table (a module of `reporting.tables`) -> the kinds of records it reads."""

FIGURES: dict[str, tuple[str, ...]] = {
    "flowchart": ("flow",),
    "anytime": ("runs",),
    "target_reached": ("runs",),
    "generations": ("runs", "scores"),
    "funnel": ("runs",),
    "cost_accuracy": ("runs",),
    "size_accuracy": ("runs", "scores"),
    "lineage": ("runs", "scores", "candidates"),
    "loss_shapes": ("shapes",),
    "loss_landscape": ("shapes",),
    "reliability": ("retrained",),
    "training_curves": ("retrained",),
    "test_accuracy": ("retrained",),
    "critical_difference": ("retrained",),
    "published_losses": ("retrained", "tasks", "conditions"),
}
"""Name of a figure (a module of `reporting.figures`) -> the kinds of records it reads."""


_CATEGORIES = {
    "Search": (
        *("search_cost", "breeding", "champion_formulas", "ablation"),
        *("flowchart", "anytime", "generations", "lineage", "size_accuracy"),
    ),
    "Efficiency": (
        *("savings", "functional_check", "epochs_to_target"),
        *("funnel", "target_reached", "cost_accuracy"),
    ),
    "Final accuracy": (
        *("accuracy", "champions", "transfer", "published_losses", "label_noise"),
        *("test_accuracy", "training_curves", "critical_difference", "reliability"),
    ),
    "Losses": ("losses", "loss_shapes", "loss_landscape"),
}


def category_of(name: str) -> str:
    """The category of a table or figure in the report; whatever has no other stands under "Reproducibility"."""
    return next((c for c, names in _CATEGORIES.items() if name in names), "Reproducibility")
