"""What the person looks at: run, epoch, selection and sample, the same on every page and in the URL.

Streamlit drops a page's widgets and its query parameters when the page changes. What should follow the
person is therefore kept under plain keys of the session, adopted from a link when one is opened, and
written back to the URL after every run of the script, so that a copied address reproduces the view.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from store.run import Run, RunNotFound, default_root, find_run

# Longer selections are kept in the session but would make the address unusable.
IDS_IN_URL = 200

# What else is chosen on a page and belongs into its address: short texts by name, which the page checks.
# fmt: off
CHOICES: dict[str, tuple[str, ...]] = {
    "samples": ("list", "find", "curve"),
    "ablations": (
        "study", "runs", "section", "measure", "axis", "band", "pins", "single", "outcome", "cost",
        "reference", "every",
        "a", "b", "part", "right", "by", "fdr", "of", "signals", "colour", "kept",
        "seed", "shift",
    ),
    "sql": ("sql",),
}
# fmt: on

_WRITTEN, _WRITTEN_ON, _CHOSEN = "focus_written", "focus_written_on", "focus_chosen"
_EPOCH_SLIDER = "focus_epoch_slider"


def adopt() -> None:
    """Takes over what a newly opened link asks for; text that is no number is ignored."""
    written, chosen = st.session_state.get(_WRITTEN, {}), st.session_state.pop(_CHOSEN, set())
    for name, (key, parse) in _PARAMETERS.items():
        asked = st.query_params.get(name)
        # Whoever clicks twice in a row sends the address of before the first click: the choice is newer.
        if asked is None or asked == written.get(name) or name in chosen:
            continue
        value = parse(asked)
        if value is not None:
            st.session_state[key] = value


def publish(page: str) -> None:
    """Writes what is looked at into the URL of this page.

    Opening a page from the menu leaves an address without parameters in the browser's history. Whoever goes
    back to it is left there: to write the same parameters again would lead forward for ever.
    """
    wanted = _parameters(page)
    went_back = st.session_state.get(_WRITTEN) == wanted and st.session_state.get(_WRITTEN_ON) == page
    st.session_state[_WRITTEN], st.session_state[_WRITTEN_ON] = wanted, page
    if st.query_params.to_dict() != wanted and not went_back:
        st.query_params.from_dict(wanted)


def run() -> Run | None:
    """Returns the run that is looked at; None where there is none yet or it was deleted."""
    run_id = st.session_state.get("run")
    try:
        return find_run(default_root(), run_id) if run_id else None
    except RunNotFound:
        return None


def look_at(chosen: Run) -> None:
    """Makes this run the one that all pages show."""
    st.session_state["run"] = chosen.id


def epoch(last_epoch: int) -> int:
    """Returns the epoch that is looked at: the newest until somebody picks one; never beyond last_epoch."""
    chosen = st.session_state.get("epoch")
    return last_epoch if chosen is None else max(0, min(int(chosen), last_epoch))


def pick_epoch(last_epoch: int) -> int:
    """Draws the slider of the epoch that all pages share and returns what it shows."""
    now = epoch(last_epoch)
    if last_epoch < 1:
        st.caption("Epoch 0 is the only one so far")
        return now
    st.session_state[_EPOCH_SLIDER] = now
    st.slider("Epoch", 0, last_epoch, key=_EPOCH_SLIDER, on_change=_take_epoch)
    return now


def selection() -> tuple[int, ...]:
    """Returns the ids of the samples that are selected, in the order of their selection."""
    return tuple(st.session_state.get("selection", ()))


def select(sample_ids: Sequence[int], lasso: str | None = None) -> None:
    """Makes these samples the selection that all pages share; lasso: what selected them on the map."""
    st.session_state["selection"] = tuple(int(sample_id) for sample_id in sample_ids)
    st.session_state["lasso"] = lasso


def sample(samples: int) -> int | None:
    """Returns the sample that is looked at, of so many; None where none was picked or the run lacks it."""
    chosen = st.session_state.get("sample")
    return chosen if chosen is not None and 0 <= chosen < samples else None


def choice(name: str) -> str | None:
    """Returns what was chosen on a page under one of the names of CHOICES; None before anybody chose."""
    chosen = st.session_state.get(_choice_key(name))
    return None if chosen is None else str(chosen)


def choose(name: str, value: str | None) -> None:
    """Remembers a choice of a page, which its address then holds; None forgets it, "" is not written."""
    st.session_state[_choice_key(name)] = value
    st.session_state[_CHOSEN] = {*st.session_state.get(_CHOSEN, ()), name}


def go(url_path: str, **looked_at: Any) -> NoReturn:
    """Opens another page of the app; looked_at: run, epoch, sample or selection to look at there."""
    if "clone" in looked_at:
        clone(looked_at["clone"])
    st.session_state.update(looked_at)
    st.switch_page(st.Page(_nowhere, url_path=url_path), query_params=_parameters(url_path))


def follow(address: str) -> None:
    """Opens an address of this app, such as "/samples?sample=7", as a click on its link would; others not."""
    parts = urlsplit(address)
    page = parts.path.removeprefix("/")
    asked = dict(parse_qsl(parts.query))
    known = {key: parse(asked[name]) for name, (key, parse) in _PARAMETERS.items() if name in asked}
    if not parts.netloc and page.replace("-", "_").isidentifier():
        go(page, **{key: value for key, value in known.items() if value is not None})


def clone(run_id: str | None, changes: Mapping[str, Any] | None = None) -> None:
    """Makes this run the one whose settings the page New run starts from; None: the defaults.

    changes: parts of the settings that are otherwise from the beginning, such as {"noise": ...}.
    """
    st.session_state["clone"] = run_id
    st.session_state["clone_changes"] = (run_id, dict(changes or {}))


def clone_changes() -> dict[str, Any]:
    """Returns what differs from the cloned run from the beginning; empty where another run is cloned now."""
    run_id, changes = st.session_state.get("clone_changes", (None, {}))
    return dict(changes) if run_id == st.session_state.get("clone") else {}


def _parameters(page: str) -> dict[str, str]:
    values = {
        "clone": st.session_state.get("clone") if page == "new-run" else None,
        "run": st.session_state.get("run"),
        "epoch": st.session_state.get("epoch"),
        "sample": st.session_state.get("sample"),
        "ids": ",".join(str(sample_id) for sample_id in selection()[:IDS_IN_URL]) or None,
    }
    if len(selection()) > IDS_IN_URL:
        values |= {"ids": None, "lasso": st.session_state.get("lasso")}
    values |= {name: choice(name) or None for name in CHOICES.get(page, ())}
    return {name: str(value) for name, value in values.items() if value is not None}


def _choice_key(name: str) -> str:
    return f"choice_{name}"


def _take_epoch() -> None:
    st.session_state["epoch"] = st.session_state[_EPOCH_SLIDER]


def _nowhere() -> None:
    """Stands for the page of a URL path: Streamlit finds the real one by the path alone."""


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _whole_numbers(text: str) -> tuple[int, ...] | None:
    numbers = [_whole(part) for part in text.split(",")]
    return tuple(number for number in numbers if number is not None) or None


_PARAMETERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "run": ("run", str),
    "epoch": ("epoch", _whole),
    "sample": ("sample", _whole),
    "ids": ("selection", _whole_numbers),
    "lasso": ("lasso", str),
    "clone": ("clone", str),
    **{name: (_choice_key(name), str) for names in CHOICES.values() for name in names},
}
