"""Links inside drawn HTML: which of them open a page, and what they carry there."""

from typing import Any

import pytest

from app import focus


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The pages that were opened, with what is to be looked at there."""
    pages: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(focus, "go", lambda page, **looked_at: pages.append((page, looked_at)))
    return pages


def test_a_link_opens_its_page_with_what_it_names(opened: list[tuple[str, dict[str, Any]]]):
    focus.follow("/samples?run=20260101-000000-0a1b2c&epoch=3&sample=7")
    assert opened == [("samples", {"run": "20260101-000000-0a1b2c", "epoch": 3, "sample": 7})]


def test_a_link_leaves_the_selection_alone_unless_it_names_one(opened: list[tuple[str, dict[str, Any]]]):
    focus.follow("/samples?sample=7")
    focus.follow("/map?ids=1,2")
    assert opened == [("samples", {"sample": 7}), ("map", {"selection": (1, 2)})]


@pytest.mark.parametrize("number", ["-1", "1e3", "x", "99999999999", ""])
def test_what_is_no_number_is_not_carried(opened: list[tuple[str, dict[str, Any]]], number: str):
    focus.follow(f"/samples?sample={number}")
    assert opened == [("samples", {})]


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/samples", "//evil.example/samples", "javascript:alert(1)", "/../etc", "/a/b", ""],
)
def test_no_other_address_is_followed(opened: list[tuple[str, dict[str, Any]]], address: str):
    focus.follow(address)
    assert opened == []
