"""Sentences that claim only what the numbers allow, and the LaTeX macros that hold these numbers."""

import math
import re

from evoloss.reporting.latex_table import escaped, signed

DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
PREFIX = "evo"


class Prose:
    """Collects the numbers of a chapter as LaTeX macros with telling names."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence
        self.macros: dict[str, str] = {}

    def number(self, text: object, *words: object) -> str:
        """The macro for a number in a sentence; its name is built from `words`."""
        parts = re.findall(r"[A-Za-z]+|\d", " ".join(map(str, words)))
        name = PREFIX + "".join(
            DIGITS[int(part)] if part.isdigit() else part[0].upper() + part[1:] for part in parts
        )
        value = escaped(str(text))
        while self.macros.get(name, value) != value:
            name += "X"
        self.macros[name] = value
        return rf"\{name}{{}}"

    def definitions(self) -> str:
        """The text of the file that defines the macros."""
        lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in self.macros.items()]
        return (
            "% Every number in the sentences of the chapter, as in the tables.\n"
            + "\n".join(lines)
            + "\n"
        )

    def plain(self, sentence: str) -> str:
        """A sentence as plain text, with numbers instead of macros."""
        for name in sorted(self.macros, key=len, reverse=True):
            sentence = sentence.replace(rf"\{name}{{}}", self.macros[name])
        sentence = sentence.replace("$-$", "−").replace(r"\,\%", " %")
        return re.sub(r"\\([_%&#])", r"\1", sentence).replace("$", "")

    def interval(self, low: float, high: float, digits: int, *words: object) -> str:
        """`95 % interval [a, b]`."""
        ends = [
            self.number(signed(end, digits, plus=True), *words, where)
            for end, where in ((low, "low"), (high, "high"))
        ]
        level = self.number(f"{100 * self.confidence:g}", "confidence")
        return rf"{level}\,\% interval [{ends[0]}, {ends[1]}]"

    def compared(
        self,
        where: str,
        subject: str,
        other: str,
        difference: tuple[float, float, float],
        p: float,
        n: int,
        unit: str,
        digits: int,
        *words: object,
    ) -> str:
        """A sentence on the difference (mean, low, high) of `subject` minus `other`, where higher is better.

        It calls one of them better only if a test is significant. Without a test it says only whether the interval
        excludes zero. `n` is the number of values behind the interval; `where` may begin the sentence.
        """
        said = self._compared(subject, other, difference, p, n, unit, digits, *words)
        said = f"{where} {said}" if where else said
        return said[0].upper() + said[1:]

    def _compared(self, subject, other, difference, p, n, unit, digits, *words) -> str:
        mean, low, high = difference
        if math.isnan(mean):
            return f"{subject} could not be compared with {other}."
        size = self.number(signed(mean, digits, plus=True), *words) + unit
        count = self.number(n, *words, "n")
        if math.isnan(low):
            return (
                f"the difference between {subject} and {other} is {size} (n = {count}); an interval needs at least "
                "five values."
            )
        interval = self.interval(low, high, digits, *words)
        if not math.isnan(p):
            tested = rf"$p = {self.number(f'{p:.3g}', *words, 'p')}$ after Holm's correction, n = {count}"
            if p < 1 - self.confidence:
                verb = "is better than" if mean > 0 else "is worse than"
                return f"{subject} {verb} {other}: {size} ({interval}; {tested})."
            return f"no significant difference between {subject} and {other} was found: {size} ({interval}; {tested})."
        if low > 0 or high < 0:
            above = "above" if mean > 0 else "below"
            return f"{subject} lies {above} {other}: {size} ({interval}, which excludes zero; n = {count}, no test)."
        return f"no difference between {subject} and {other} is shown: {size} ({interval}; n = {count})."


def share(value: float) -> str:
    """A share as a percentage without sign: no decimals from 9.5 % on, else one."""
    return f"{100 * value:.0f}" if abs(value) >= 0.095 else f"{100 * value:.1f}"


def listed(parts: list[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
