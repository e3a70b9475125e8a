"""Figure loss_shapes: value and logit gradient against p_t, each method's champions beside known losses.

The other classes share the rest of the probability equally. To make shapes comparable, all losses are scaled to cross
entropy's gradient, and their values are shifted to a minimum of 0.

A loss of logits (hinge, square loss on logits) is drawn at the logits log p. The same p also belongs to logits with
any common shift, and there the curve of such a loss is a different one.
"""

from matplotlib.figure import Figure

from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.shapes import shape
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, panels, reference_lines

MOST_WIDE = 3
"""With more methods than this, each row has the panels of two methods."""


def draw(records: StudyRecords) -> Figure:
    """A pair of panels per method, values and gradients: champions as thin lines, known losses black and grey."""
    (manifest,) = records.manifests
    classes = manifest["classes"]
    formulas = records.description["formulas"]
    known = {name: shape(text, classes) for name, text in formulas.items()}
    references, look_of = reference_lines(list(known)), looks(records.methods)
    wide = len(records.methods) <= MOST_WIDE
    figure, axes = panels(
        2 * len(records.methods),
        columns=2 if wide else 4,
        row_height=2.1 if wide else 1.7,
        margin=0.8,
        sharey=False,
    )
    for method, left, right in zip(records.methods, axes[::2], axes[1::2], strict=True):
        champions = [c["expression"] for c in records.champions if c["method"] == method]
        for text in champions:
            x, value, gradient = shape(text, classes)
            options = {"color": look_of[method].colour, "linewidth": 0.8, "alpha": 0.75}
            left.plot(x, value, **options)
            right.plot(x, gradient, **options)
        for name, (x, value, gradient) in known.items():
            left.plot(x, value, label=loss_name(name), linewidth=1.3, **references[name])
            right.plot(x, gradient, linewidth=1.3, **references[name])
        left.set_title(f"{method_name(method)} (n = {len(champions)})", loc="left")
        # A loss with a 1/p tail would flatten all others, so the height is chosen for cross entropy.
        left.set_ylim(-0.2, 6)
        right.set_ylim(-2.5, 1.0)
        left.set_ylabel("Loss above minimum", fontsize=7)
        right.set_ylabel(r"Derivative by $z_t$", fontsize=7)
        for axis in (left, right):
            axis.tick_params(labelsize=7)
    figure.supxlabel(r"Probability of the target, $p_t$", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, handlelength=3)
    return figure
