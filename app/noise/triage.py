"""Judging suspects one after the other: who is next, how far one is, and what a verdict is called on screen.

Pure functions of ids and verdicts, so that what the keys do can be told without a page.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from pandas import DataFrame

from app.samples import sample_life
from store.judgements import Judgement, Verdict

WORDS: dict[Verdict, str] = {"noisy": "Noisy", "hard": "Hard", "fine": "Fine"}
MEANINGS: dict[Verdict, str] = {
    "noisy": "the label is wrong",
    "hard": "the label is right, but the image is hard to tell",
    "fine": "the label is right",
}
# Classes up to here have a key each; more are chosen from a list.
KEYED_CLASSES = 10


def focused(ids: Sequence[int], asked: int | None, judged: Collection[int]) -> int:
    """Returns the sample to look at: the one asked for if it is listed, else the first without a verdict."""
    if asked is not None and asked in ids:
        return int(asked)
    return next((sample_id for sample_id in ids if sample_id not in judged), ids[0])


def neighbour(
    ids: Sequence[int], at: int, *, step: int, judged: Collection[int], only_unjudged: bool
) -> int | None:
    """Returns the nearest sample before (step -1) or after (step 1) in the list; None at its end.

    only_unjudged: passes over those with a verdict.
    """
    place = ids.index(at)
    others = ids[place + 1 :] if step > 0 else ids[:place][::-1]
    return next((one for one in others if not (only_unjudged and one in judged)), None)


def after_verdict(ids: Sequence[int], at: int, judged: Collection[int]) -> int:
    """Returns who comes after a verdict: the next without one, at the end from the start, else the same."""
    place = ids.index(at)
    around = [*ids[place + 1 :], *ids[:place]]
    return next((one for one in around if one not in judged), at)


def choices(label: int, suggested: int | None, classes: int) -> list[int | None]:
    """Returns the classes that a noisy label can have instead, the suggested first; None = nobody knows."""
    others = [other for other in range(classes) if other not in (label, suggested)]
    if suggested is None or suggested == label:
        return [None, *others]
    return [suggested, *others, None]


def verdict(judgement: Judgement | None, names: Sequence[str]) -> str:
    """Returns a verdict in short: "noisy → dog", "noisy", "hard", "fine"; empty without one."""
    if judgement is None:
        return ""
    if judgement.corrected is None:
        return judgement.verdict
    return f"{judgement.verdict} → {sample_life.class_name(names, judgement.corrected)}"


def with_verdicts(table: DataFrame, judged: Mapping[int, Judgement]) -> DataFrame:
    """Returns a table of samples with the columns verdict, corrected_label and judged_at; missing = none."""
    found = [judged.get(int(sample_id)) for sample_id in table["sample_id"]]
    return table.assign(
        verdict=pd.Series([one.verdict if one else None for one in found], table.index, dtype="object"),
        corrected_label=pd.Series(
            [one.corrected if one else None for one in found], table.index, dtype="Int64"
        ),
        judged_at=pd.Series([one.when if one else None for one in found], table.index, dtype="object"),
    )


def agreement(neighbours: DataFrame, label: int, suggested: int | None, names: Sequence[str]) -> str:
    """Returns what classes the nearest samples have: of the label, of the suggested class, and others."""
    found = [int(one) for one in neighbours["label"]]
    told = [label] if suggested is None else [label, suggested]
    parts = [f"{found.count(one)} {sample_life.class_name(names, one)}" for one in told]
    others = len([one for one in found if one not in told])
    return ", ".join([*parts, f"{others} other" if others == 1 else f"{others} others"])


def suggestion(row: Any) -> int | None:
    """Returns the last prediction of a ranked suspect where it is another class; None where it is not."""
    return None if pd.isna(row.suggested_label) else int(row.suggested_label)
