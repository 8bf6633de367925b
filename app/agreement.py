"""How far the influences of a run can be trusted, in a sentence: against clean losses, and what asking cost.

Influence from training views ranks samples only loosely like influence from clean images; whoever reads the
variance must see how loosely in this run.
"""

from pandas import DataFrame

from app import wording

# Measured on runs that trained on all samples: 0.42 to 0.49 on CIFAR-10, 0.23 to 0.53 on digits.
USUAL = "of visits 0.2 to 0.5 is usual, ours"


def sentence(metrics: DataFrame) -> str:
    """Returns mean agreement and cost of the probe over the epochs; "" where neither was measured."""
    measured = metrics["clean_agreement"].dropna()
    probed = metrics["samples_probed"].sum()
    said = []
    if len(measured):
        epochs = wording.plural(len(measured), "epoch")
        mean = wording.number(measured.mean())
        said.append(f"Spearman {mean} with clean influence, {epochs} measured; {USUAL}")
    if probed:
        said.append(f"The probe cost {wording.count(probed)} more samples forwarded")
    return ". ".join(said)
