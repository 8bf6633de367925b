"""Suspects judged by keys alone in a real browser, with what that leaves in the run."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from store import judgements, queries
from tests.browser.pictures import open_page
from tests.synthetic import make_run


def test_keys_judge_undo_and_step_through_suspects(
    page: Page, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    run = make_run(root, samples=60, epochs=4)
    worst = queries.suspects(run, "mean_rank", 4)
    ids = [int(sample_id) for sample_id in worst.sample_id]
    open_page(page, f"{serve(root)}/noise?run={run.id}")

    def at(place: int) -> None:
        expect(page.locator(".ut-case p")).to_contain_text(f"Sample {ids[place]}, suspect {place + 1};")

    at(0)
    for place, key in enumerate("nhf"):
        page.keyboard.press(key)
        at(place + 1)
    expect(page.get_by_text("3 of 48 judged")).to_be_visible()
    page.keyboard.press("u")
    at(2)
    page.keyboard.press("k")
    at(1)
    page.keyboard.press("j")
    at(2)
    expect(page.locator("i[data-verdict='hard']").first).to_be_visible()
    found = judgements.judgements(run)
    assert {sample_id: one.verdict for sample_id, one in found.items()} == {ids[0]: "noisy", ids[1]: "hard"}
    assert found[ids[0]].corrected == int(worst.last_prediction[0])
