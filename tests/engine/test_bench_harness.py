"""The bench around its lines: turns, spreads, goals, what is skipped, what breaks, and the JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.bench import __main__ as entry
from engine.bench import repeats, report
from engine.bench.line import Figure, Line, Missing, Surroundings, at_least, at_most

HERE = Surroundings(Path("cache"))
NAMES = ["overhead", "selection", "augment", "density", "consistency", "store", "map", "loader", "scale"]


@dataclass(frozen=True)
class Toy:
    """A line that answers with what it was made with, or raises it."""

    name: str
    answer: Line | Exception
    summary: str = "toys against toys"

    def quick(self) -> "Toy":
        return self

    def measure(self, _surroundings: Surroundings) -> Line:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


FOUND = Line(
    "speed",
    "one toy against another",
    [
        Figure("gain", [31.0, 20.0, 40.0], "x", at_least(30)),
        Figure("pixels", [0.2], "%", at_most(0.12)),
        Figure("time", [1.5, 2.5], "s"),
    ],
    {"toy": "1.0"},
    ["plain is not installed, so it is not compared."],
)
BENCHES = (
    Toy("speed", FOUND),
    Toy("data", Missing("needs a file; give it with --data FOLDER")),
    Toy("broken", ZeroDivisionError("division by zero")),
)


def test_candidates_take_turns_and_each_repeat_begins_with_another():
    order = []
    candidates = {name: lambda repeat, name=name: order.append((repeat, name)) for name in "abc"}
    repeats.interleaved(candidates, 3)
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a"), (2, "c"), (2, "a"), (2, "b")]


def test_seconds_are_those_between_two_looks_at_the_clock():
    looks = iter([0.0, 1.0, 10.0, 13.0, 20.0, 24.0, 30.0, 32.0])
    seconds = repeats.interleaved({"a": lambda _: None, "b": lambda _: None}, 2, clock=lambda: next(looks))
    assert seconds == {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    assert repeats.ratios(seconds["b"], seconds["a"]) == [3.0, 2.0]


def test_the_same_work_against_itself_is_the_noise():
    seconds = iter(range(100))  # every look comes one second after the one before
    assert repeats.noise(3, clock=lambda: float(next(seconds))).values == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("figure", "judged", "verdict"),
    [
        (Figure("gain", [31.0, 20.0, 40.0], goal=at_least(30)), True, "met"),  # the median decides
        (Figure("gain", [29.0, 20.0, 40.0], goal=at_least(30)), True, "missed"),
        (Figure("share", [0.12], goal=at_most(0.12)), True, "met"),
        (Figure("share", [0.13], goal=at_most(0.12)), True, "missed"),
        (Figure("AUROC", [float("nan")], goal=at_least(0.9)), True, "missed"),
        (Figure("gain", [29.0], goal=at_least(30)), False, "not judged"),
        (Figure("time", [29.0]), True, ""),
    ],
)
def test_a_goal_is_met_missed_or_not_judged(figure: Figure, judged: bool, verdict: str):
    assert figure.verdict(judged=judged) == verdict


def test_a_line_prints_median_min_max_goal_and_word():
    assert report.line_text(FOUND).splitlines() == [
        "speed: one toy against another",
        "  toy 1.0; 1 thread",
        "  figure  median    min    max  unit  goal",
        "  gain      31.0   20.0   40.0  x     ≥ 30    met",
        "  pixels   0.200  0.200  0.200  %     ≤ 0.12  missed",
        "  time     2.000  1.500  2.500  s",
        "  plain is not installed, so it is not compared.",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.98765, "0.988"), (9.9, "9.900"), (44.04, "44.0"), (182776.4, "182,776")]
)
def test_numbers_have_at_most_the_digits_that_repeat(value: float, text: str):
    assert report.number(value) == text


def test_what_is_missing_skips_a_line_and_what_breaks_fails_one_and_the_rest_goes_on(caplog):
    told: list[str] = []
    lines = entry.measure(BENCHES, HERE, None, say=told.append)
    assert [(bool(line.skipped), bool(line.failed)) for line in lines] == [
        (False, False),
        (True, False),
        (False, True),
    ]
    assert told[0].startswith("Machine: ")
    assert "(A/A)" in told[0]
    assert told[2:] == [
        "\ndata: skipped; needs a file; give it with --data FOLDER",
        "\nbroken: failed; division by zero",
    ]
    assert "ZeroDivisionError" in caplog.text


def test_the_json_file_holds_what_was_printed_and_every_repeat(tmp_path: Path):
    file = tmp_path / "found.json"
    entry.measure(BENCHES, HERE, file, say=lambda _: None)
    written = json.loads(file.read_text(encoding="utf-8"))
    assert set(written) == {"machine", "noise", "lines"}
    assert {"versions", "processor", "load", "threads"} <= set(written["machine"])
    speed, data, broken = written["lines"]
    assert speed["figures"][0] == {
        "name": "gain",
        "unit": "x",
        "median": 31.0,
        "p95": None,
        "min": 20.0,
        "max": 40.0,
        "values": [31.0, 20.0, 40.0],
        "goal": "≥ 30",
        "verdict": "met",
    }
    assert (data["skipped"], data["figures"]) == ("needs a file; give it with --data FOLDER", [])
    assert broken["failed"] == "division by zero"


def test_a_line_with_many_repeats_has_p95_and_the_figures_with_few_have_none():
    many = Figure("asked", [float(second) for second in range(1, 21)], "ms", at_most(18, quantile=0.95))
    line = Line("speed", "toys", [many, Figure("once", [2.0], "s")], {"toy": "1.0"})
    assert report.line_text(line).splitlines()[2:] == [
        "  figure  median   p95    min    max  unit  goal",
        "  asked     10.5  19.1  1.000   20.0  ms    p95 ≤ 18  missed",  # 1 + 0.95 * 19 = 19.05
        "  once     2.000        2.000  2.000  s",
    ]


def test_the_line_that_writes_gigabytes_is_measured_only_when_named(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(entry, "measure", lambda benches, *_: asked.extend(one.name for one in benches) or [])
    for words in ([], ["store-1.28M"]):
        monkeypatch.setattr("sys.argv", ["undertow bench", *words])
        with pytest.raises(SystemExit, match="0"):
            entry.main()
    assert asked == [*NAMES, "store-1.28M"]


def test_what_a_repeat_works_on_is_prepared_before_the_clock_starts():
    looks = iter([0.0, 1.0])
    order: list[str] = []
    candidates = {"a": lambda repeat: order.append(f"a {repeat}")}
    seconds = repeats.interleaved(
        candidates, 1, prepare=lambda repeat: order.append(f"for {repeat}"), clock=lambda: next(looks)
    )
    assert (order, seconds) == (["for 0", "a 0"], {"a": [1.0]})


def test_the_names_of_the_lines_are_their_own_and_quick_keeps_them():
    names = [bench.name for bench in entry.BENCHES]
    assert len(set(names)) == len(names)
    assert [bench.quick().name for bench in entry.BENCHES] == names


def test_bench_lists_its_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("sys.argv", ["undertow bench", "--list"])
    entry.main()
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == [*NAMES, "store-1.28M"]
    assert said.err == ""
