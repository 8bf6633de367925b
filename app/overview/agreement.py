"""How far the influences of a run can be trusted, in a sentence: against clean losses, and what asking cost.

Influence from training views ranks samples only loosely like influence from clean images; whoever reads the
variance must see how loosely in this run.
"""

from pandas import DataFrame

from app import wording

# Measured on digits, 12 epochs, a clean pass every 2: 0.14 to 0.47 without augmentation, 0.13 to 0.28 at
# random strength, 0.13 to 0.20 with SADA, -0.10 to 0.22 with joint selection as well.
MEANS = "1 = the same order of samples, and augmentation lowers it (ours)"


def sentence(metrics: DataFrame) -> str:
    """Returns mean agreement and cost of the probe over the epochs; "" where neither was measured."""
    measured = metrics["clean_agreement"].dropna()
    probed = metrics["samples_probed"].sum()
    said = []
    if len(measured):
        epochs = wording.plural(len(measured), "epoch")
        mean = wording.number(measured.mean())
        said.append(f"Spearman {mean} with clean influence, {epochs} measured; {MEANS}")
    if probed:
        said.append(f"The probe cost {wording.count(probed)} more samples forwarded")
    return ". ".join(said)
