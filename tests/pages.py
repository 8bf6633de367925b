"""Where the pages of the app are, and what one of them says: for tests that open pages without a browser."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import app

MAIN = Path(app.__path__[0]) / "main.py"


def address(view: str) -> str:
    """The hash by which Streamlit knows a page; AppTest switches between files only."""
    return calc_hash(view)


def texts(at: AppTest) -> str:
    """Everything that the page says, as one text."""
    said = [
        element.value
        for kind in ("title", "markdown", "caption", "error", "subheader")
        for element in at.get(kind)
    ]
    drawn = [element.proto.body for element in at.get("html")]
    drawn += [str(json.loads(element.proto.json)) for element in at.get("bidi_component")]
    return "\n".join([*said, *drawn]).replace("\N{NO-BREAK SPACE}", " ")


def charts(at: AppTest) -> list[str]:
    return [element.proto.alt for element in at.get("plotly_chart")]
