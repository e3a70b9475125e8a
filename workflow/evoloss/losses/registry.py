r"""Hand-made and published losses, each with formula, defaults, source and how sure the formula is.

A formula is an expression (`parsing.py`), summed over classes, in which `C` stands for the number of classes. It
passes through the same code as evolved candidates, with the guards of `primitives.py` (a divisor below 1e-7 counts
as 1e-7; log p has no floor). A loss that is no such sum is a function in `on_logits.py`, named as `module:function`
like a function of a user.

Losses that equal another loss up to scale are in ALIASES: with matched gradient scales they train alike. Left out:
TaylorGLO (arXiv 2002.00059) and NeuroLoss1-3, because their constants are not published (TaylorGLO's paper evolves
eight numbers and does not print them); and losses that need more than p, y and logits (detection, GANs).

This registry is in no rule's code digest, because the formula that a job uses is among its params.
"""

import difflib
import re
from dataclasses import dataclass

from evoloss.errors import UserError
from evoloss.expressions.parsing import ExpressionError, parse

FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""What `module:function` looks like."""


@dataclass(frozen=True)
class Entry:
    """A loss of the catalogue.

    `evidence` says how sure the formula is: `code` (read in the authors' or reference code), `standard` (textbook),
    `unverified` (recalled, not checked against the paper) or `bred` (by a study of this repository). `latex` is the
    formula of one sample, for readers, without `$`: t is the target class, z are the logits. `target` is the target's
    softmax probability p_t at the minimum of the loss.
    """

    name: str
    formula: str
    latex: str
    source: str
    evidence: str
    defaults: str = ""
    target: str = "1"


JANOCHA = "Janocha & Czarnecki, arXiv 1702.05659"
ON_LOGITS = "evoloss.losses.on_logits:"
MA, ZHOU = "Ma et al., arXiv 2006.13554", "Zhou et al., arXiv 2106.03110"
NCE = r"\frac{\log p_t}{\sum_k \log p_k}"
NFL = r"\frac{(1 - p_t)^g \log p_t}{\sum_k (1 - p_k)^g \log p_k}"

CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in [
        Entry("cross_entropy", "-(y * log(p))", r"-\log p_t", "standard", "standard"),
        Entry(
            "label_smoothing",
            "-((0.9 * y + 0.1 / C) * log(p))",
            r"-\sum_k \left( (1 - e) \, y_k + \frac{e}{C} \right) \log p_k",
            "Szegedy et al., arXiv 1512.00567; e/C over all classes, as PyTorch does",
            "standard",
            "e = 0.1",
            "1 - e + e/C",
        ),
        Entry(
            "focal",
            "-(y * (square(1 - p) * log(p)))",
            r"-(1 - p_t)^g \log p_t",
            "Lin et al., arXiv 1708.02002; no alpha, gradient through both factors",
            "standard",
            "g = 2",
        ),
        Entry("mse", "square(p - y)", r"\sum_k (p_k - y_k)^2", "Brier 1950", "standard"),
        Entry(
            "mae",
            "abs(p - y)",
            r"\sum_k \lvert p_k - y_k \rvert",
            "Ghosh et al., arXiv 1712.09482",
            "code",
        ),
        Entry(
            "gce",
            "y * ((1 - exp(0.7 * log(p))) / 0.7)",
            r"\frac{1 - p_t^q}{q}",
            "Zhang & Sabuncu, arXiv 1805.07836; without truncation",
            "code",
            "q = 0.7",
        ),
        Entry(
            "sce",
            "-(0.1 * (y * log(p)) + p * log(max(y, 1e-4)))",
            r"-a \log p_t - b \sum_k p_k \log y_k",
            "Wang et al., arXiv 1908.06112; a and b of their CIFAR-10 code",
            "code",
            "a = 0.1, b = 1, log 0 = log 1e-4",
        ),
        Entry("nce", ON_LOGITS + "nce", NCE, MA, "code"),
        Entry(
            "nce_rce",
            ON_LOGITS + "nce_rce",
            rf"a {NCE} - b \sum_k p_k \log y_k",
            f"{MA}; a and b of their CIFAR-10 code",
            "code",
            "a = 1, b = 1, log 0 = log 1e-4",
        ),
        *(
            Entry(name, ON_LOGITS + name, latex, source, "code", defaults)
            for name, latex, source, defaults in (
                (
                    "nce_mae",
                    rf"{NCE} + 1 - p_t",
                    f"{MA}; weights of their CIFAR-10 code",
                    "a = 1, b = 1",
                ),
                (
                    "nce_aul",
                    rf"{NCE} + b \frac{{(a - p_t)^q - (a - 1)^q}}{{q}}",
                    f"{ZHOU}; constants of their CIFAR-10 code",
                    "a = 6.3, q = 1.5, b = 4",
                ),
                (
                    "nfl_rce",
                    rf"{NFL} - b \sum_k p_k \log y_k",
                    f"{MA}; weights of their CIFAR-10 code, factors (1 - p)^g without gradient",
                    "g = 0.5, b = 1, log 0 = log 1e-4",
                ),
                (
                    "nfl_mae",
                    rf"{NFL} + 1 - p_t",
                    f"{MA}; weights of their CIFAR-10 code, factors (1 - p)^g without gradient",
                    "g = 0.5, b = 1",
                ),
            )
        ),
        Entry(
            "agce",
            "y * ((exp(0.6 * log(1.6)) - exp(0.6 * log(0.6 + p))) / 0.6)",
            r"\frac{(a + 1)^q - (a + p_t)^q}{q}",
            f"{ZHOU}; constants of their CIFAR-10 code",
            "code",
            "a = 0.6, q = 0.6",
        ),
        Entry(
            "aul",
            "y * ((square(5.5 - p) * (5.5 - p) - 91.125) / 3)",
            r"\frac{(a - p_t)^q - (a - 1)^q}{q}",
            f"{ZHOU}; constants of their CIFAR-10 code",
            "code",
            "a = 5.5, q = 3",
        ),
        Entry(
            "ael",
            "y * exp(-(0.4 * p))",
            r"e^{-p_t / a}",
            f"{ZHOU}; constant of their CIFAR-10 code",
            "code",
            "a = 2.5",
        ),
        Entry(
            "poly1",
            "y * ((1 - p) - log(p))",
            r"-\log p_t + e \, (1 - p_t)",
            "Leng et al., arXiv 2204.12511",
            "code",
            "e = 1",
        ),
        Entry(
            "poly1_focal",
            "y * (square(1 - p) * ((1 - p) - log(p)))",
            r"-(1 - p_t)^g \log p_t + e \, (1 - p_t)^{g + 1}",
            "Leng et al., arXiv 2204.12511; without detection's alpha = 0.25, as in focal",
            "code",
            "e = 1, g = 2",
        ),
        Entry(
            "taylor_ce",
            "y * ((1 - p) + square(1 - p) / 2)",
            r"\sum_{k=1}^{T} \frac{(1 - p_t)^k}{k}",
            "Feng et al., IJCAI 2020; T was not found, 2 is often seen",
            "unverified",
            "T = 2",
        ),
        Entry(
            "bi_tempered",
            ON_LOGITS + "bi_tempered",
            r"\sum_k \bigl[ y_k (\log_{t_1} y_k - \log_{t_1} q_k)"
            r" - \frac{y_k^{2 - t_1} - q_k^{2 - t_1}}{2 - t_1} \bigr], \quad"
            r" q_k = \exp_{t_2}(z_k - \lambda)",
            "Amid et al., arXiv 1906.03361; their code sets no temperatures, (0.8, 1.2) is common",
            "code",
            "t1 = 0.8, t2 = 1.2, 5 rounds",
        ),
        Entry(
            "square_logits",
            ON_LOGITS + "square_logits",
            r"\frac{1}{C} \left[ k (z_t - M)^2 + \sum_{j \neq t} z_j^2 \right]",
            f"Hui & Belkin, arXiv 2006.07322; C times it is L2 of {JANOCHA}",
            "unverified",
            "k = 1, M = 1",
            "e/(e + C - 1)",
        ),
        Entry(
            "l1_logits",
            ON_LOGITS + "l1_logits",
            r"\sum_k \lvert y_k - z_k \rvert",
            JANOCHA,
            "unverified",
            target="e/(e + C - 1)",
        ),
        *(
            Entry(
                name,
                ON_LOGITS + name,
                rf"\sum_k \max\left(0, \tfrac12 - (2 y_k - 1) z_k\right){power}",
                JANOCHA,
                "unverified",
                "margin 1/2",
                "≥ e/(e + C - 1)",
            )
            for name, power in (("hinge", ""), ("squared_hinge", "^2"), ("cubed_hinge", "^3"))
        ),
        *(
            Entry(
                f"{name}_one_vs_rest",
                f"{ON_LOGITS}{name}_one_vs_rest",
                rf"\sum_k {latex}, \quad h_k = 2 y_k - 1",
                "Rosasco et al., Neural Computation 16, 2004: binary losses, here one a class",
                "standard",
                target=target,
            )
            for name, latex, target in (
                ("square", r"(1 - h_k z_k)^2", "e/(e + (C - 1)/e)"),
                ("hinge", r"\max(0, 1 - h_k z_k)", "≥ e/(e + (C - 1)/e)"),
                ("logistic", r"\log(1 + e^{-h_k z_k})", "1"),
            )
        ),
        Entry(
            "squared_log",
            "square(y * log(p))",
            r"(\log p_t)^2",
            f"{JANOCHA}; their sign turned where it is printed with a minus",
            "unverified",
        ),
        Entry(
            "tanimoto",
            ON_LOGITS + "tanimoto",
            r"-\frac{p_t}{\lVert p \rVert^2 + 1 - p_t}",
            JANOCHA,
            "unverified",
        ),
        Entry(
            "cauchy_schwarz",
            ON_LOGITS + "cauchy_schwarz",
            r"-\log \frac{p_t}{\lVert p \rVert}",
            JANOCHA,
            "unverified",
        ),
        Entry(
            "baikal",
            "-(log(p) - y / p)",
            r"-\sum_k \left( \log p_k - \frac{y_k}{p_k} \right)",
            "Gonzalez & Miikkulainen, arXiv 1905.11528; summed over classes (the paper averages)",
            "code",
            target="1/sqrt(C)",
        ),
        # The minus signs of c3 and c5 cancel and are left out. c2 has no gradient but is in the paper's formula.
        Entry(
            "baikal_cma",
            "-(2.7279 * (0.9863 * log(1.5352 * p) - 1.1135 * (1.3716 * y) / (0.8411 * p)))",
            r"-\sum_k c_0 \left( c_1 \log(c_2 p_k) - c_3 \frac{c_4 y_k}{c_5 p_k} \right)",
            "Gonzalez & Miikkulainen, arXiv 1905.11528; read as c0 multiplying both terms",
            "unverified",
            "c = 2.7279, 0.9863, 1.5352, -1.1135, 1.3716, -0.8411",
            "0.389 at C = 10",
        ),
        Entry(
            "ngl",
            "(exp(2.4092 - p - p * y) - cos(cos(sin(p)))) / C",
            r"\frac{1}{C} \sum_k \left[ e^{a - p_k - p_k y_k} - \cos(\cos(\sin p_k)) \right]",
            "Akhmedova & Koerber, arXiv 2404.12948; x = softmax(z), as in the PyTorch version",
            "code",
            "a = 2.4092",
            "0.391 at C = 10",
        ),
        # The two champions of digits_noise with the best mean validation accuracy on wrong labels. The expressions
        # as found contain constant parts, which are simplified here.
        Entry(
            "evoloss_loglog",
            "max(log(log(p)), cos(p) * (1 - y)) + (p - 0.5) * sigmoid(exp(p))",
            r"\sum_k \left[ \max\left( \log \lvert \log p_k \rvert, (1 - y_k) \cos p_k \right) "
            r"+ (p_k - \tfrac12) \, \sigma(e^{p_k}) \right]",
            "found by random search, study digits_noise, run seed 8",
            "bred",
            target="1/e at C = 10, 1/C at C = 100",
        ),
        Entry(
            "evoloss_ratio",
            "(tanh(tanh(max(p, y))) + cos(p) - sigmoid(-p)) / (sigmoid(1) + sqrt(p))",
            r"\sum_k \frac{\tanh(\tanh(\max(p_k, y_k))) + \cos p_k - \sigma(-p_k)}{\sigma(1) + \sqrt{p_k}}",
            "found by E-GP with races, study digits_noise, run seed 4",
            "bred",
            target="0.725 at C = 10, 0.059 at C = 100",
        ),
    ]
}

ALIASES: dict[str, tuple[str, str]] = {
    "expectation": ("mae", "it is the same sum"),
    "chebyshev": ("mae", "1 - p_t = MAE / 2"),
    "linf": ("mae", "1 - p_t = MAE / 2"),
    "rce": ("mae", "with log 0 = log 1e-4 it is 9.21 (1 - p_t) = 4.61 MAE"),
    "brier": ("mse", "it is the same sum"),
    "regularised_expectation": ("mse", "it is the same sum"),
    "l2_logits": ("square_logits", "square_logits divides it by C"),
    "log_loss": ("cross_entropy", "it is the same"),
    "cse_a": ("cross_entropy", "1.8415 times it where there are no boxes"),
}
"""Name from the literature -> the loss of the catalogue that it equals up to scale, and why."""


def formula_of(loss: str) -> str:
    """The formula of a catalogue name; an expression or a `module:function` is returned unchanged.

    Raises UserError for an alias or any other text. Does not check whether the module exists.
    """
    if loss in CATALOGUE:
        return CATALOGUE[loss].formula
    if loss in ALIASES:
        same, why = ALIASES[loss]
        raise UserError(f"{loss!r} equals {same} up to scale ({why}); write {same}")
    if ":" in loss:
        if not FUNCTION.fullmatch(loss):
            raise UserError(
                f"the loss {loss!r} is not of the form module:function, as in my_losses:margin"
            )
        return loss
    try:
        expression = parse(loss, classes=10)
    except ExpressionError as error:
        if loss.isidentifier() and loss not in {"p", "y", "C"}:
            close = difflib.get_close_matches(loss, CATALOGUE, n=1)
            known = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(CATALOGUE)}."
            raise UserError(
                f"unknown loss {loss!r}; {known} It may also be an expression or module:function"
            ) from None
        raise UserError(str(error)) from None
    if "p" not in expression or "y" not in expression:
        raise UserError(f"the loss {loss!r} must contain both p (prediction) and y (target)")
    return loss
