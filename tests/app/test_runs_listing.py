"""The list of runs: what a search finds, in which order, and what stands on a page."""

from dataclasses import replace

import pytest

from app.runs import listing
from app.runs.listing import BY_STUDY, NO_STUDY, Wanted
from app.studies import reading
from app.studies.members import Member
from store import queries
from store.run import find_runs
from tests.synthetic import make_run


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    root = tmp_path_factory.mktemp("listed")
    make_run(root, samples=20, epochs=2, settings=("name=apple", "study=fruit", "strategy.kind=joint"))
    make_run(root, samples=20, epochs=9, settings=("name=pear", "study=fruit"), state="stopped")
    make_run(root, samples=20, epochs=5, settings=("name=Stone",), state="failed")
    listed, _ = reading.listed(find_runs(root))
    return [replace(member, metrics=queries.metrics(member.run)) for member in listed]


def names(members: list[Member]) -> list[str]:
    return sorted(str(member.config["name"]) for member in members)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), ["Stone", "apple", "pear"]),
        (Wanted(text="STO"), ["Stone"]),
        (Wanted(text="fruit joint"), ["apple"]),
        (Wanted(text="fruit stone"), []),
        (Wanted(states=("stopped", "failed")), ["Stone", "pear"]),
        (Wanted(study="fruit"), ["apple", "pear"]),
        (Wanted(study=NO_STUDY), ["Stone"]),
    ],
)
def test_every_word_and_filter_must_fit(members: list[Member], wanted: Wanted, expected: list[str]) -> None:
    assert names(listing.matching(members, wanted)) == expected
    assert wanted.is_narrowed == (expected != ["Stone", "apple", "pear"])


def test_a_run_is_found_by_its_id(members: list[Member]) -> None:
    assert listing.matching(members, Wanted(text=members[1].run.id)) == [members[1]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Name", ["apple", "pear", "Stone"]),
        ("State", ["apple", "Stone", "pear"]),
        ("Test accuracy", ["pear", "Stone", "apple"]),  # more epochs learn more
        ("Time", ["pear", "Stone", "apple"]),
    ],
)
def test_runs_are_sorted(members: list[Member], order: str, expected: list[str]) -> None:
    ((_, ordered),) = listing.grouped(members, order, featured=None)
    assert [member.config["name"] for member in ordered] == expected


def test_by_study__the_featured_one_stands_first(members: list[Member]) -> None:
    groups = listing.grouped(members, BY_STUDY, featured="fruit")
    assert [(title, len(of)) for title, of in groups] == [("Its runs", 2), ("Runs without a study", 1)]


def test_a_page_ends_within_a_group_and_the_next_goes_on_there(members: list[Member]) -> None:
    one, two, three = members
    groups = [("A", [one, two]), ("B", [three])]
    assert listing.page_of(groups, 1, rows=1) == [("A", 0, [one])]
    assert listing.page_of(groups, 2, rows=1) == [("A", 1, [two])]
    assert listing.page_of(groups, 2, rows=2) == [("B", 0, [three])]
    assert listing.page_of(groups, 1, rows=9) == [("A", 0, [one, two]), ("B", 0, [three])]
