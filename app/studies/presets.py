"""The studies that come with Undertow: the questions that the two papers leave to whoever uses them.

Each names its arms and its measure before anything is trained; where the papers leave a choice open it says
"ours".
"""

import re

from app.studies.design import Arm, Preset
from engine.config import InvalidConfig

_SADA, _JOINT = "arXiv 2510.00434", "arXiv 2505.03809"
_RS2 = "the random share, drawn afresh each epoch, is RS2, arXiv 2305.18424"
_BEFORE_V = (
    "Until a sample has a variance, after L + 1 visits, SADA draws its strength as random strength does"
)
_WRONG_LABELS = ("noise.kind=symmetric", "noise.share=0.2")
_ALL = "strategy.kind=everything"
_USE_SADA, _USE_RANDOM_STRENGTH = "policy.kind=sada", "policy.kind=random_strength"
_USE_JOINT, _USE_RANDOM = "strategy.kind=joint", "strategy.kind=random_subset"
_KEEPS = ("0.3", "0.5", "0.7")


def _percent(keep: str) -> str:
    return f"{float(keep) * 100:.0f} %"


def _kept(kind: str, label: str) -> tuple[Arm, ...]:
    return tuple(
        Arm(f"{label} {_percent(keep)}", (f"strategy.kind={kind}", f"strategy.keep={keep}"))
        for keep in _KEEPS
    )


# fmt: off
_SELECTIONS = (
    Arm("joint", (_USE_JOINT,)), Arm("rarity only", ("strategy.kind=rarity_only",)),
    Arm("consistency only", ("strategy.kind=consistency_only",)), Arm("random (RS2)", (_USE_RANDOM,)),
    Arm("InfoBatch", ("strategy.kind=infobatch",)), Arm("full data", (_ALL,)),
)
_JOINT_AGAINST_ALL = tuple(("joint", arm.label) for arm in _SELECTIONS[1:])
_OWN_BUDGETS = "InfoBatch chooses its own budget; what each arm back-propagated stands beside its accuracy."

PRESETS: tuple[Preset, ...] = (
    Preset(
        "sada-sanity", "SADA sanity: does V fall?",
        "Does the variance of influence fall as the epochs go, as SADA takes for granted?",
        (Arm("SADA", (_USE_SADA,)), Arm("random strength", (_USE_RANDOM_STRENGTH,))),
        f"{_SADA}; the arm without its feedback is ours", measure="variance_change", against_zero=True,
        fixed=(_ALL,), beside=("test_accuracy",), epochs=20, fewest_epochs=8,
        note="The learning rate falls too, and takes V with it; random strength shows what SADA adds.",
    ),
    Preset(
        "strengths", "SADA against other strengths",
        "Does strength by sample beat one strength for all, chance, and entropy?",
        (Arm("SADA", (_USE_SADA,)), Arm("none", ("policy.kind=none",)),
         Arm("constant 0.5", ("policy.kind=constant", "policy.value=0.5")),
         Arm("random strength", (_USE_RANDOM_STRENGTH,)), Arm("entropy", ("policy.kind=entropy",))),
        f"{_SADA}; constant 0.5 is ours", fixed=(_ALL,), fewest_epochs=8,
        pairs=(("SADA", "none"), ("SADA", "constant 0.5"), ("SADA", "random strength"), ("SADA", "entropy")),
        note=f"{_BEFORE_V}: a short run shows little of it.",
    ),
    Preset(
        "window", "Window of SADA",
        "How many influences should the window hold?",
        tuple(Arm(f"L = {size}", (f"influence.window={size}",)) for size in (5, 2, 10, 20)),
        f"{_SADA}, L = 5 in the paper", fixed=(_ALL, _USE_SADA), epochs=40, fewest_epochs=30,
        note="L = 20 knows its first variance after 21 visits; before it, strengths are drawn at random.",
    ),
    Preset(
        "scaling", "Scaling of SADA",
        "How should variance become strength: clipped at percentiles, from least to largest, or by rank?",
        tuple(Arm(kind, (f"policy.scaling={kind}",)) for kind in ("percentile", "minmax", "rank")),
        f"{_SADA}; the scalings are ours", fixed=(_ALL, _USE_SADA), fewest_epochs=8,
        pairs=(("percentile", "minmax"), ("percentile", "rank")),
    ),
    Preset(
        "learning-rate", "Learning rate under SADA",
        "How sensitive is SADA to the learning rate?",
        tuple(Arm(f"learning rate {rate}", ("optimizer.kind=sgd", f"optimizer.learning_rate={rate}"))
              for rate in ("0.1", "0.01", "0.5")),
        f"{_SADA}; the rates are ours", fixed=(_ALL, _USE_SADA), fewest_epochs=8,
    ),
    Preset(
        "long-tail", "Long tail: who is augmented less?",
        "On a long tail, does SADA augment the rare classes more mildly than the others?",
        (Arm("random strength", (_USE_RANDOM_STRENGTH,)), Arm("SADA", (_USE_SADA,)),
         Arm("entropy", ("policy.kind=entropy",))),
        f"{_SADA}; tail of factor 50 and measure ours", measure="rare_strength", fixed=(_ALL,),
        defaults=("tail.kind=exponential", "tail.factor=50"),
        beside=("size_strength", "rare_accuracy", "test_accuracy"), fewest_epochs=8,
        note="Rare classes are asked at the last clean pass, in epochs 0, 5, 10, …: after the last one only "
             f"in runs of 6, 11, … epochs. {_BEFORE_V}.",
    ),
    Preset(
        "semantics", "Semantic preservation",
        "Do SADA's strengths leave more images recognisable than random or full strength?",
        (Arm("SADA", (_USE_SADA,)), Arm("random strength", (_USE_RANDOM_STRENGTH,)),
         Arm("full strength", ("policy.kind=constant", "policy.value=1"))),
        f"{_SADA}; measure ours", measure="meaning_kept", beside=("test_accuracy",), fixed=(_ALL,),
        pairs=(("SADA", "random strength"), ("SADA", "full strength")), fewest_epochs=8,
    ),
    Preset(
        "keep", "Joint selection by share kept",
        "At each share kept, does joint selection beat a random share, and hold against full data?",
        (Arm("full data", (_ALL,)), *_kept("joint", "joint"), *_kept("random_subset", "random")),
        f"{_JOINT}; the random twins are ours", fixed=(_USE_RANDOM_STRENGTH,), same_budget=False,
        pairs=tuple((f"joint {_percent(keep)}", other) for keep in _KEEPS
                    for other in (f"random {_percent(keep)}", "full data")),
        note="Arms of one share cost the same; full data costs more.",
    ),
    Preset(
        "selection", "Joint against other selections",
        "Do rarity and consistency together beat each alone, chance, and InfoBatch, and hold against full "
        "data?",
        _SELECTIONS, f"{_JOINT}; {_RS2}; comparison ours", fixed=(_USE_RANDOM_STRENGTH,), same_budget=False,
        pairs=_JOINT_AGAINST_ALL, note=_OWN_BUDGETS,
    ),
    Preset(
        "noisy-labels", "Selections under wrong labels",
        "Under wrong labels, what does each selection keep, and does it help?",
        _SELECTIONS, f"{_JOINT}; {_RS2}; comparison ours", fixed=(_USE_RANDOM_STRENGTH,),
        defaults=_WRONG_LABELS, beside=("kept_noise", "backpropagated"), same_budget=False,
        pairs=_JOINT_AGAINST_ALL, note=_OWN_BUDGETS,
    ),
    Preset(
        "pairing", "SADA with joint selection",
        "Do joint selection and SADA help each other, at equal budget and against full data?",
        (Arm("joint + SADA", (_USE_JOINT, _USE_SADA)),
         Arm("joint + random strength", (_USE_JOINT, _USE_RANDOM_STRENGTH)),
         Arm("random + SADA", (_USE_RANDOM, _USE_SADA)), Arm("full data + SADA", (_ALL, _USE_SADA)),
         Arm("full data + random strength", (_ALL, _USE_RANDOM_STRENGTH))),
        "ours: the papers do not pair them", same_budget=False, fewest_epochs=8,
    ),
    Preset(
        "consistency", "Consistency under wrong labels",
        "With labels flipped, does consistency earn its place in the score, and should it weigh more?",
        (Arm("rarity and consistency", (_USE_JOINT, "strategy.consistency_exponent=1")),
         Arm("rarity alone", (_USE_JOINT, "strategy.consistency_exponent=0")), Arm("random", (_USE_RANDOM,)),
         Arm("consistency squared", (_USE_JOINT, "strategy.consistency_exponent=2")),
         Arm("consistency to the fourth", (_USE_JOINT, "strategy.consistency_exponent=4"))),
        f"{_JOINT}; the random twin and the exponents are ours",
        fixed=(_USE_RANDOM_STRENGTH,), defaults=_WRONG_LABELS, beside=("kept_noise", "backpropagated"),
        note="Both exponents are 1 in the paper.",
    ),
    Preset(
        "rare-classes", "Rare classes under selection",
        "On a long tail, does selection keep the rare classes learned?",
        (Arm("joint", (_USE_JOINT,)),
         Arm("joint, neighbours by class", (_USE_JOINT, "density.per_class=true")),
         Arm("random", (_USE_RANDOM,))),
        f"{_JOINT}; tail of factor 10, neighbours by class and measure ours", measure="rare_accuracy",
        fixed=(_USE_RANDOM_STRENGTH,), defaults=("tail.kind=exponential", "tail.factor=10"),
        beside=("test_accuracy", "backpropagated"), fewest_epochs=6,
    ),
    Preset(
        "hnsw", "HNSW against exact neighbours",
        "Does it cost accuracy to seek neighbours approximately?",
        (Arm("HNSW", ("density.index=hnsw",)), Arm("exact", ("density.index=exact",))),
        f"{_JOINT}, HNSW in the paper", fixed=(_USE_RANDOM_STRENGTH, _USE_JOINT),
        beside=("kept_agreement", "neighbour_cost"),
    ),
    Preset(
        "latency", "Time of neighbours against training",
        "How much time do neighbours take beside the training steps?",
        (Arm("exact", ("density.index=exact",)), Arm("HNSW", ("density.index=hnsw",))),
        f"{_JOINT}; measure ours", measure="neighbour_cost", fixed=(_USE_RANDOM_STRENGTH, _USE_JOINT),
        beside=("test_accuracy",),
        note="Runs that train at once slow each other; compare on a machine that does nothing else.",
    ),
    Preset(
        "adapters", "Domain gap of the encoder",
        "Do adapters trained on the data tell wrong labels better than none, hardly trained, or larger ones?",
        (Arm("linear, 15 epochs", ("consistency.adapters.epochs=15",)),
         Arm("no adapters", ("consistency.adapters.kind=none",)),
         Arm("linear, 1 epoch", ("consistency.adapters.epochs=1",)),
         Arm("residual MLP, 15 epochs",
             ("consistency.adapters.epochs=15", "consistency.adapters.kind=residual_mlp"))),
        f"{_JOINT}, 15 epochs in the paper; the other arms are ours", measure="consistency_auroc",
        fixed=(_USE_RANDOM_STRENGTH, _USE_JOINT), defaults=_WRONG_LABELS,
        seeded=("consistency.adapters.seed",), beside=("test_accuracy",),
        pairs=tuple(("linear, 15 epochs", other)
                    for other in ("no adapters", "linear, 1 epoch", "residual MLP, 15 epochs")),
        note="Without adapters it is the plain cosine of both towers: of the offline ones, in the space that "
             "a ridge regression over the names of ImageNet's classes gives them.",
    ),
)
# fmt: on

_STUDY_NAME = re.compile(r"^(?P<preset>[a-z-]+)-[a-z0-9_]+-[0-9a-f]{8}$")


def preset(name: str) -> Preset:
    """Returns the preset of this name; raises InvalidConfig naming all where there is none."""
    found = {one.name: one for one in PRESETS}.get(name)
    if found is None:
        known = ", ".join(one.name for one in PRESETS)
        raise InvalidConfig(f"the name of a study must be one of {known}; got {name}")
    return found


def preset_of(study: str) -> Preset | None:
    """Returns the preset that a study of this name was made from; None for another study."""
    parts = _STUDY_NAME.match(study)
    return next((one for one in PRESETS if parts and one.name == parts["preset"]), None)
