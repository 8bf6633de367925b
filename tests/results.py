"""Writes the README's results from the files in tests/studies, which `undertow study NAME --json FILE` wrote.

`python tests/results.py` rewrites it in place. Every mean, interval and verdict is computed again from the
values by seed, with the code of the page Studies; a file that states something else is refused.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app import wording
from app.studies import presets, results_file, telling, verdicts
from app.studies.measures import MEASURES, Measure
from app.studies.results import Outcome
from app.studies.verdicts import Compared

README = Path(__file__).parents[1] / "README.md"
STUDIES = Path(__file__).parent / "studies"
PICTURE = "tests/pictures/results-light.png"
MARKS = "<!-- results: made by tests/results.py -->\n", "<!-- end of results -->"
_READING = (
    "Accuracy is that of the last epoch on the test set, never of the best one. Mean ± standard deviation "
    "over n seeds; differences are paired by seed, each with the 95 % interval of that comparison alone, and "
    "what is called better or worse holds at 5 % after Holm's correction. *Cannot be told apart* is no proof "
    "of being equal: the interval says how large a difference may still be. Where some arms of a study have "
    "more than three seeds, the others were added once the first three were seen. Seconds are wall seconds "
    "while other work ran beside, without those of consistency, which is measured once and kept: samples are "
    "the cost to compare. Every seed stands in [tests/studies](tests/studies)."
)

Content = Mapping[str, Any]


def contents(folder: Path = STUDIES) -> list[Content]:
    """Returns the results files of a folder by preset, then by name, each checked."""
    order = [preset.name for preset in presets.PRESETS]
    found = [checked(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda content: order.index(content["preset"]))


def checked(content: Content) -> Content:
    """Returns the file's content; ValueError where what it states does not follow from its values by seed."""
    if content["format"] != results_file.FORMAT:
        raise ValueError(f"format must be {results_file.FORMAT}; got {content['format']}")
    for name, computed in results_file.summary(results_file.outcome(content)).items():
        if content[name] != computed:
            raise ValueError(
                f"{name} of {content['study']} must follow from its values by seed, which say {computed}; "
                f"got {content[name]}"
            )
    return content


def section(found: Sequence[Content]) -> str:
    """Returns the section as Markdown: what was asked and answered, then a part a study."""
    if not found:
        return "No study has been recorded yet.\n"
    runs = sum(len(arm["seeds"]) for content in found for arm in content["arms"])
    machines = Counter(_machine(one) for content in found for one in content["machines"])
    shown = f"![Accuracy against cost, by study and arm]({PICTURE})\n\n"
    return (
        f"{wording.plural(len(found), 'study', 'studies')} of {wording.plural(runs, 'run')} by "
        f"`undertow study`, on {'; '.join(machines)}. {_READING}\n\n"
        f"{summary(found)}\n{shown if (README.parent / PICTURE).exists() else ''}"
        f"{chr(10).join(_study(content) for content in found)}"
    )


def summary(found: Iterable[Content]) -> str:
    """Returns one row a study: its question, what it was asked on, the measure, and the answer with its n."""
    rows = [("question", "asked on", "judged by", "answer")]
    for content in found:
        measure, computed = MEASURES[content["measure"]], results_file.outcome(content)
        rows.append((content["question"], asked_on(content), measure.label, telling.answer(computed)))
    return _markdown(rows)


def command(content: Content) -> str:
    """Returns the command that asks the same again; files are named without their folders."""
    base = {"source.kind": "digits", "epochs": "20", **content["base"]}
    words = [
        f"undertow study {content['preset']} --data {base.pop('source.kind')} --epochs {base.pop('epochs')}"
    ]
    seeds = [seed for arm in content["arms"] for seed in arm["seeds"]]
    words.append(f"--seeds {max(seeds) - min(seeds) + 1}")
    base |= {"seed": str(min(seeds))} if min(seeds) else {}
    return " ".join([*words, *(f"--set {name}={_quoted(value)}" for name, value in base.items())])


def table(content: Content) -> str:
    """Returns one row an arm: n, every measure, cost, and its comparisons with interval and n."""
    found, names = results_file.outcome(content), _measures(content)
    heads = ["arm", "n", *(MEASURES[name].label for name in names), "seconds (of training)"]
    rows: list[Sequence[str]] = [(*heads, "paired difference", "which shows")]
    compared = _by_row(found)
    for arm in content["arms"]:
        n = len(next(one.values for one in found.arms if one.label == arm["arm"]))
        cells = [_cell(MEASURES[name], arm["values"][name], n) for name in names]
        seconds = f"{_mean(arm['seconds'])} ({_mean(arm['seconds_training'])})"
        rows.append((arm["arm"], str(n), *cells, seconds, *compared.get(arm["arm"], ("–", "–"))))
    return _markdown(rows)


def with_section(text: str, made: str) -> str:
    """Returns the README with the section between its marks; ValueError where it has no place for it."""
    begin, end = MARKS
    pattern = f"(?<={re.escape(begin)}).*?(?={re.escape(end)})"
    text, found = re.subn(pattern, lambda _: made, text, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"README.md must have the marks of the results once; it has them {found} times")
    return text


def _study(content: Content) -> str:
    """Returns the part of one study: what was asked on what, its table, what it shows, how to repeat it."""
    preset, found = presets.preset(content["preset"]), results_file.outcome(content)
    commits = ", ".join(
        f"{one['commit'][:9]}{' with changes' if one['changed'] else ''}" for one in content["commits"]
    )
    meaning = f"{MEASURES[content['measure']].label}: {MEASURES[content['measure']].meaning}."
    return (
        f"<details><summary><b>{preset.title}</b>: {asked_on(content)}</summary>\n\n"
        f"{content['question']} {meaning} After {content['citation']}. {content['note']}".rstrip()
        + f"\n\n{table(content)}\n{_plainly(found)}{_as_asked_then(content)}"
        f"{_classes(content)}Study {content['study']}, {content['date']}, commit {commits or 'unknown'}: "
        f"`{command(content)}`\n\n</details>\n"
    )


def _as_asked_then(content: Content) -> str:
    """Says which settings of an arm were defaults when it was trained and are not any more."""
    then = _of_then(content)
    return f"Trained before a default was changed: {'; '.join(then)}.\n\n" if then else ""


def _of_then(content: Content) -> list[str]:
    today = {arm.label: arm.changes for arm in presets.preset(content["preset"]).arms}
    return [
        f"{arm['arm']} with {', '.join(own)}"
        for arm in content["arms"]
        if (own := [change for change in arm["changes"] if change not in today[arm["arm"]]])
    ]


def _plainly(found: Outcome) -> str:
    """Says without the numbers where an effect is absent, and where the arm that is compared is worse."""
    known = [one for one in found.compared if one.difference.n >= verdicts.SEEDS_FOR_A_VERDICT]
    if known and not any(one.is_apart for one in known):
        return "**No effect was found:** none of these can be told apart.\n\n"
    lost = [one for one in known if verdicts.shows(one, better=found.measure.better) == "worse"]
    said = "; ".join(f"{one.arm} is worse than {one.reference or '0'}" for one in lost)
    return f"**Reversed or lost:** {said}.\n\n" if said else ""


def _by_row(found: Outcome) -> dict[str, tuple[str, str]]:
    """Returns difference and verdict by arm; where one arm has them all, by its references."""
    arms = Counter(one.arm for one in found.compared)
    references = Counter(one.reference for one in found.compared)
    of_reference = max(arms.values(), default=0) > 1 and max(references.values()) == 1
    rows: dict[str, list[tuple[str, str]]] = {}
    told = telling.difference_table(found).to_dict("records")
    for one, row in zip(found.compared, told, strict=True):
        amount = f"{row['Difference']} ({row['95 % interval']}, n = {row['n seeds']}, p = {row['p (Holm)']})"
        other = "this" if of_reference else one.reference or "0"
        begin = f"{one.arm} against this" if of_reference else f"against {other}"
        cells = f"{begin}: {amount}", _word(one, found.measure, other, one.arm if of_reference else "")
        rows.setdefault(one.reference if of_reference else one.arm, []).append(cells)
    return {
        arm: ("<br>".join(told for told, _ in cells), "<br>".join(shows for _, shows in cells))
        for arm, cells in rows.items()
    }


def _word(one: Compared, measure: Measure, other: str, subject: str) -> str:
    shows = verdicts.shows(one, better=measure.better)
    if not one.is_apart:
        return shows
    return f"{subject} is {shows} than {other}" if subject else f"{shows} than {other}"


def _measures(content: Content) -> list[str]:
    """Returns the measures shown: the one judged by first, the cost last."""
    first = content["measure"]
    return sorted(content["arms"][0]["values"], key=lambda name: (name == "backpropagated", name != first))


def _cell(measure: Measure, values: Sequence[float | None], n: int) -> str:
    """Writes mean ± sd of the known values, with their n where it is not that of the row."""
    known = [value for value in values if value is not None]
    if measure.unit == "count":
        text = wording.count(sum(known) / len(known)) if known else wording.UNKNOWN
    else:
        text = wording.spread(known, as_percent=measure.unit == "share")
    return text if len(known) == n else f"{text} (n = {len(known)})"


def _mean(seconds: Sequence[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    return wording.count(sum(known) / len(known)) if known else wording.UNKNOWN


def _classes(content: Content) -> str:
    """Returns the mean strength of each class by arm, where the study tells it; n as in its table."""
    if "classes" not in content:
        return ""
    names, sizes = content["classes"]["names"], content["classes"]["sizes"]
    arms = content["arms"]
    heads = ["class", "samples", *(f"{arm['arm']} (n = {len(arm['seeds'])})" for arm in arms)]
    rows: list[Sequence[str]] = [heads]
    for place in sorted(range(len(names)), key=lambda place: -sizes[place]):
        cells = [wording.spread([by_class[place] for by_class in arm["strength"]]) for arm in arms]
        rows.append((names[place], wording.count(sizes[place]), *cells))
    return (
        f"Mean strength of the visits to each class, ± standard deviation over seeds:\n\n{_markdown(rows)}\n"
    )


def asked_on(content: Content) -> str:
    """Returns data, samples, net, epochs and what was asked of all arms, in a few words."""
    base = content["base"]
    source = base.get("source.train") or base.get("source.kind", "digits")
    samples = " or ".join(wording.count(count) for count in content["samples"])
    net, epochs = base.get("model.kind", "resnet8"), base.get("epochs", "20")
    changed = [*content["fixed"], *(change for arm in content["arms"] for change in arm["changes"])]
    shown = ("noise.", "tail.", "strategy.", "policy.")
    if "policy.kind=sada" in changed:  # to others influence is a signal that they log
        shown = (*shown, "influence.")
    given = [change.partition("=")[::2] for change in content["defaults"]]
    asked = dict(given) | {name: value for name, value in base.items() if name.startswith(shown)}
    own = {name.partition(".")[0] for name in base}
    kept = {name: value for name, value in asked.items() if name in base or name.partition(".")[0] not in own}
    theirs = {change.partition("=")[0] for change in changed}
    told = [
        f"{name}={value}" for name, value in kept.items() if not name.endswith(".kind") and name not in theirs
    ]
    return ", ".join([f"{source}, {samples} samples", net, f"{epochs} epochs", *told, *_of_then(content)])


def _machine(machine: Mapping[str, Any]) -> str:
    threads = wording.plural(int(machine["threads"] or 0), "thread")
    return (
        f"{machine['processor'] or 'a processor without a name'}, {machine['cores']} cores, {threads}, "
        f"torch {machine['torch']}, {machine['precision']}"
    )


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w./:,=+-]*", value) else f"'{value}'"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    README.write_text(with_section(README.read_text(encoding="utf-8"), section(contents())), encoding="utf-8")
