"""HTML whose links open other pages of the app, or a card of this one, without loading the app again.

Session and selection stay: Streamlit's own HTML cannot answer a click, and a plain link would start a new
session, which takes seconds. The links stay links for the browser: a new tab, a copied address and the
keyboard work as everywhere.
"""

import streamlit as st

from app import focus

_COMPONENT = st.components.v2.component(
    "undertow_links",
    html='<div class="links">\n</div>',
    js="""
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".links");
  if (root.shown !== data) {
    root.innerHTML = data;
    root.shown = data;
  }
  root.onclick = (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab is the browser's own
    event.preventDefault();
    const card = link.hash && document.querySelector(`.st-key-${CSS.escape(link.hash.slice(1))}`);
    if (card) return card.scrollIntoView({ block: "center", behavior: "smooth" });
    setTriggerValue("address", link.getAttribute("href"));
  };
}
""",
)


def draw(content: str, *, key: str) -> None:
    """Draws HTML, in which every text is already escaped, and follows a link of it that was clicked."""
    address = _COMPONENT(key=key, data=content, on_address_change=_nothing).get("address")
    if isinstance(address, str):
        focus.follow(address)


def _nothing() -> None:
    """Declares the event of the component; what it says is read where it is drawn."""
