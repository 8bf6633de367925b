"""An app that others may reach: nothing without the token, everything with it, from its own pages alone."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import server
from app.serving.access import Access
from tests.attacking import ADDRESSES, EVIL, TOKEN, Server, attacked

COOKIE = re.compile(r"undertow_\d+=[0-9a-f]{64}")


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with attacked(tmp_path_factory.mktemp("attacked"), "127.0.0.2", "--allow-remote") as started:
        yield started


@pytest.fixture(scope="module")
def cookie(remote: Server) -> str:
    found = COOKIE.search(remote.ask(f"/?token={TOKEN.replace(' ', '+')}").head)
    assert found
    return found[0]


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("query", ["", "token=", "token=wrong", f"token={TOKEN}x", f"token={TOKEN}&token=x"])
def test_without_the_token_nobody_from_elsewhere_gets_anything(remote: Server, path: str, query: str) -> None:
    sign = "&" if "?" in path else "?"
    answer = remote.ask(f"{path}{sign}{query.replace(' ', '+')}")
    assert answer.status == 401
    assert b"open only with its token" in answer.body
    assert "set-cookie" not in answer.head.lower()
    assert "default-src 'self'" in answer.head


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(remote: Server) -> None:
    answer = remote.ask(f"/map?run={{run}}&token={TOKEN.replace(' ', '+')}&epoch=3")
    head = answer.head.lower()
    assert answer.status == 303
    assert f"location: /map?run={remote.run.id}&epoch=3\r\n" in head + "\r\n"
    assert all(word in head for word in ("httponly", "samesite=strict", "path=/", "cache-control: no-store"))
    assert TOKEN not in answer.head


def test_the_way_on_never_leads_to_another_site(remote: Server) -> None:
    for path in (f"//{EVIL}/", f"/\\{EVIL}/", f"/%2f{EVIL}/", f"/%5c{EVIL}/"):
        head = remote.ask(f"{path}?token={TOKEN.replace(' ', '+')}").head
        assert re.search(rf"(?im)^location: /{EVIL}/\r?$", head), path


def test_the_cookie_opens_everything_and_a_wrong_one_nothing(remote: Server, cookie: str) -> None:
    wrong = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
    assert remote.ask("/", Cookie=cookie).status == 200
    assert remote.ask("/api/map/{run}/ids", Cookie=f"other=1; {cookie}").status == 200
    assert remote.ask("/api/map/{run}/ids", Cookie=wrong).status == 401
    assert remote.ask("/api/map/{run}/ids", Cookie="undertow_\xff=\xff").status == 401


def test_a_socket_needs_the_cookie_and_the_app_s_own_page(remote: Server, cookie: str) -> None:
    own = f"http://{remote.host}"
    assert remote.knock(Origin=own) == 403
    assert remote.knock(f"/_stcore/stream?token={TOKEN.replace(' ', '+')}", Origin=own) == 403
    assert remote.knock(Origin=f"http://{EVIL}", Cookie=cookie) == 403
    assert remote.knock(Origin=f"http://{EVIL}", Host=EVIL, Cookie=cookie) in (400, 403)
    assert remote.knock(Origin=own, Cookie=cookie) == 101


def test_the_right_token_under_another_name_is_refused_and_sets_nothing(remote: Server) -> None:
    answer = remote.ask(f"/?token={TOKEN.replace(' ', '+')}", Host=EVIL)
    assert (answer.status, "set-cookie" in answer.head.lower()) == (400, False)


def test_what_the_app_starts_does_not_inherit_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNDERTOW_RUNS", "")
    monkeypatch.setenv("UNDERTOW_TOKEN", TOKEN)
    seen: list[str | None] = []

    class App:
        def run(self, **_: object) -> None:
            seen.append(os.environ.get("UNDERTOW_TOKEN"))

    monkeypatch.setattr(server, "application", lambda *_, **__: App())
    server.serve(tmp_path, port=0, access=Access(token=TOKEN))
    assert seen == [None]
