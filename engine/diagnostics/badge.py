"""What a diagnostic answers with: a verdict, its number, and a sentence that a person can act on.

A verdict is never green by default: what the log does not hold is unknown, and the badge says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["red", "green", "unknown"]


@dataclass(frozen=True)
class Badge:
    """One diagnostic of one run.

    verdict: red = the failure is there, green = measured and not there, unknown = not measured; number: with
    its unit, "–" where unknown; n: how many it was measured on, and counted: of what; definition: how it is
    computed and from where it is red; view: address of the page that shows it, after # the card on it; ids:
    the samples that it speaks of.
    """

    name: str
    verdict: Verdict
    number: str
    sentence: str
    n: int
    counted: str
    definition: str
    view: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Signature:
    """One known way to fail: everything of its badge that does not depend on the run."""

    name: str
    definition: str
    view: str
    counted: str = "samples"

    def judged(self, failed: bool, number: str, sentence: str, *, n: float, ids: Sequence[int] = ()) -> Badge:
        """Returns the badge of what was measured on n samples: red where it failed, else green."""
        return self._badge("red" if failed else "green", number, sentence, n=int(n), ids=ids)

    def unknown(self, reason: str) -> Badge:
        """Returns the badge of what could not be measured; reason: what the log lacks."""
        return self._badge("unknown", "–", reason, n=0, ids=())

    def _badge(self, verdict: Verdict, number: str, sentence: str, *, n: int, ids: Sequence[int]) -> Badge:
        return Badge(
            self.name, verdict, number, sentence, n, self.counted, self.definition, self.view,
            tuple(int(sample_id) for sample_id in ids),
        )  # fmt: skip


def percent(share: float) -> str:
    """Writes a share of 1 with one decimal: 0.9385 is 93.8 %; 1 is 100 %."""
    text = f"{100 * share:.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{'100' if text == '100.0' else text}\N{NO-BREAK SPACE}%"


def figure(value: float) -> str:
    """Writes three significant digits: 0.412."""
    size = abs(value)
    text = f"{size:,.0f}" if size >= 100 else f"{size:#.3g}" if size >= 0.001 else f"{size:.1g}"
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def seconds(value: float) -> str:
    """Writes a time in seconds."""
    return f"{figure(value)}\N{NO-BREAK SPACE}s"
