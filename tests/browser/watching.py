"""A page of the browser whose errors count: what it reports to its console fails the test that opened it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

# Streamlit probes its base path below the page's own: two requests that end in 404 and mean nothing.
HARMLESS = ("/_stcore/health", "/_stcore/host-config")


@contextmanager
def watched(browser: Browser | BrowserContext, **looks: Any) -> Iterator[Page]:
    """Opens an empty page and closes it at the end; an error that is not one of HARMLESS fails there.

    looks: as Browser.new_page takes them, such as viewport and color_scheme.
    """
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        if message.type == "error" and not address.endswith(HARMLESS):
            errors.append(f"{message.text} ({address})")

    page = browser.new_page(**looks)
    page.on("console", listen)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors
