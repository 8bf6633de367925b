"""The table of contents: what pages there are, and which run they show.

Everything else is a page. The run picker stands here because it is the one control that all pages share.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import streamlit as st

from app import cards, focus, markup, naming, theme
from app.views import SECTIONS, address
from store.errors import RunIsForeign
from store.run import Run, default_root, find_runs

HERE = Path(__file__).parent
_PICKER = "run_picker"


def main() -> None:
    """Draws the frame, then the page that was asked for."""
    st.set_page_config(page_title="Undertow", page_icon=HERE / "icon.svg", layout="wide")
    st.html(f"<style>{theme.css()}{(HERE / 'style.css').read_text(encoding='utf-8')}</style>")
    st.logo(HERE / "icon.svg", size="large")
    focus.adopt()
    pages = {section: [_page(view) for view in views] for section, views in SECTIONS.items()}
    page = st.navigation(pages, position="hidden")
    with st.sidebar:
        _menu(pages)
        with cards.errors_said():
            _pick_run(find_runs(default_root()))
    page.run()
    focus.publish(page.url_path)


def _menu(pages: Mapping[str, Sequence[st.Page]]) -> None:
    """Draws the links to all pages; Streamlit's own list of them is no list to a screen reader."""
    for section, links in pages.items():
        with st.container(gap=None, key=f"menu_{section.lower()}"):
            cards.html(f'<h2 class="ut-menu">{markup.text(section)}</h2>')
            for page in links:
                st.page_link(page)


def _page(view: ModuleType) -> st.Page:
    """Returns the page of a view."""
    path = address(view)
    return st.Page(_shown(view), title=view.TITLE, icon=view.ICON, url_path=path, default=path == "runs")


def _shown(view: ModuleType) -> Callable[[], None]:
    def show() -> None:
        with cards.errors_said():
            view.render()

    return show


def _pick_run(runs: list[Run]) -> None:
    if not runs:
        st.caption("No run yet")
        return
    titles = naming.run_titles({run.id: _config(run) for run in runs})
    chosen = asked = None
    with cards.errors_said():  # a link may name a run that cannot be read
        chosen = focus.run()
        asked = None if chosen else st.session_state.get("run")
    chosen = chosen or _most_telling(runs)
    if chosen.id not in titles:
        titles[chosen.id] = chosen.id
    if asked:  # whoever follows an old link must not take another run's numbers for its
        gone = f"There is no run {asked} here any more; {titles[chosen.id]} is shown instead."
        st.toast(markup.markdown(gone), icon=":material/info:", duration="long")
    focus.look_at(chosen)
    st.session_state[_PICKER] = chosen.id
    st.selectbox(
        "Run",
        list(titles),
        format_func=lambda run_id: titles.get(run_id, run_id),
        key=_PICKER,
        on_change=_take_run,
        help="The run that the pages under Explore show",
    )


def _most_telling(runs: list[Run]) -> Run:
    """Returns the newest run that selects samples and has recorded an epoch, else the newest one."""
    recorded = [run for run in runs if _is_recorded(run)]
    selecting = [run for run in recorded if _config(run).get("strategy", {}).get("kind") == "joint"]
    return next(iter([*selecting, *recorded, *runs]))


def _config(run: Run) -> dict[str, Any]:
    """Returns the run's configuration; of a damaged one its id alone, for it can be picked too."""
    try:
        return run.config()
    except RunIsForeign:
        return {"name": run.id}


def _is_recorded(run: Run) -> bool:
    try:
        return run.last_epoch() >= 0
    except RunIsForeign:
        return False


def _take_run() -> None:
    st.session_state["run"] = st.session_state[_PICKER]


main()
