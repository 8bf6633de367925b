"""Which number format and memory layout train fastest here: a short probe, logged with its answer.

bfloat16 trains two to three times faster than float32 on processors and devices that multiply it, and slower
on those that do not; whether channels come first or last in memory matters as much. So both are measured
instead of guessed. float16 is not offered: it would need its losses scaled, for nothing bfloat16 lacks here.
"""

from itertools import product
from time import perf_counter
from typing import NamedTuple

import torch

from engine.models.classifier import CHANNELS_LAST, LAYOUTS, Classifier, chance_from

PROBE_STEPS = 5
PATIENCE = 2.0  # seconds a candidate may take after its second step: large nets are told apart by then
WORTH_IT = 1.1  # a smaller gain is within the noise of the probe


class Precision(NamedTuple):
    """The chosen format and layout, and why."""

    name: str  # "float32" or "bfloat16"
    reason: str
    layout: str = CHANNELS_LAST  # or "contiguous"

    def autocast(self, device: torch.device) -> torch.autocast:
        """Returns the context in which the model runs."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.name == "bfloat16")


def choose(wanted: str, model: Classifier, shape: tuple[int, ...], device: torch.device) -> Precision:
    """Returns the wanted format with channels last, or for "auto" the fastest on batches of this shape.

    shape: (B, C, H, W). The model's weights are left as they were; the caller arranges it in the layout.
    """
    if wanted != "auto":
        return Precision(wanted, f"{wanted} was asked for")
    was = {name: value.clone() for name, value in model.state_dict().items()}
    candidates = [Precision(name, "", layout) for name, layout in product(("float32", "bfloat16"), LAYOUTS)]
    with chance_from(0, device=device):  # dropout draws
        rates = {candidate: _rate(candidate, model, shape, device) for candidate in candidates}
    model.load_state_dict(was)
    model.zero_grad(set_to_none=True)
    measured = ", ".join(f"{each.name} {each.layout} {rate:,.0f} images/s" for each, rate in rates.items())
    return fastest(rates)._replace(reason=f"measured at the start: {measured}")


def fastest(rates: dict[Precision, float]) -> Precision:
    """Returns the fastest of these, or the first of them where the gain over it is within the noise.

    rates: images a second.
    """
    plain, best = next(iter(rates)), max(rates, key=lambda candidate: rates[candidate])
    return best if rates[best] >= WORTH_IT * rates[plain] else plain


def _rate(precision: Precision, model: Classifier, shape: tuple[int, ...], device: torch.device) -> float:
    """Images a second of forward and backward; the best of a few steps, lest a busy moment decides."""
    images = torch.zeros(shape, device=device)
    model.arrange(precision.layout).train()
    seconds: list[float] = []
    while len(seconds) < PROBE_STEPS and not (len(seconds) >= 2 and sum(seconds) > PATIENCE):
        started = perf_counter()
        with precision.autocast(device):
            logits, _ = model(images)
        logits.float().sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(perf_counter() - started)
    return shape[0] / min(seconds)
