"""How each ranking of suspects is called, and what it ranks by.

The words stand on several cards of a page and must not differ between them.
"""

RANKINGS = {
    "consistency": (
        "Consistency",
        "agreement of image and label by an image-text encoder; low is suspicious",
    ),
    "mean_margin": ("Mean margin (AUM)", "mean over epochs of the label's logit minus the best other; low"),
    "mean_confidence": ("Confidence", "mean over epochs of the label's probability; low is suspicious"),
    "mean_loss": ("Loss", "mean loss over epochs, in nats; high is suspicious"),
    "mean_rank": ("Mean rank", "mean of the ranks by those others that the run has; low is suspicious"),
}


def name(by: str) -> str:
    """Returns what a ranking is called."""
    return RANKINGS[by][0]


def meaning(by: str, averaged: int) -> str:
    """Returns what a ranking ranks by; of the mean rank over how many others this run has it."""
    if by == "mean_rank":
        return f"mean of the ranks by the {averaged} others that the run has; low is suspicious"
    return RANKINGS[by][1]
