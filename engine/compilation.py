"""torch.compile where it works here: tried on one batch before the run, so that it cannot end one.

It needs a C++ compiler on processors and does not know every net; neither may cost a person the run.
"""

import copy
import logging

import torch

from engine.models.classifier import Classifier
from engine.precision import Precision

log = logging.getLogger(__name__)


def compile_if_possible(
    model: Classifier, shape: tuple[int, ...], device: torch.device, *, precision: Precision
) -> str:
    """Compiles the net in place if one step on a batch of this shape (B, C, H, W) works compiled.

    Returns what came of it in a sentence. Weights and the names in state_dict() stay as they are: the trial
    is a copy's, since its step changes the statistics of norms.
    """
    trial = copy.deepcopy(model).train()
    trial.compile()
    try:
        with precision.autocast(device):
            logits, _ = trial(torch.zeros(shape, device=device))
        logits.float().sum().backward()
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        outcome = f"the net is not compiled, since torch.compile failed; {type(error).__name__}: {reason}"
    else:
        model.compile()
        outcome = "the net is compiled by torch.compile"
    finally:
        torch.compiler.reset()
    log.info(outcome)
    return outcome
