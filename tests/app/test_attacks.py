"""Attacks on the real server, byte by byte: what a hostile page, a guesser or a stranger can send."""

from collections.abc import Iterator

import psutil
import pytest

from tests.attacking import ADDRESSES, EVIL, SECRET, Server, attacked, parted


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with attacked(tmp_path_factory.mktemp("attacked"), "127.0.0.1") as server:
        yield server


def test_the_server_listens_to_this_machine_alone(local: Server) -> None:
    connections = psutil.Process(local.process.pid).net_connections("inet")
    listening = [found.laddr[:2] for found in connections if found.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", local.port)]


def test_the_app_itself_is_answered(local: Server) -> None:
    assert local.ask("/").status == 200
    assert local.ask("/api/map/{run}/ids").status == 200
    assert local.knock(Origin=f"http://{local.host}") == 101
    assert local.knock() == 101  # a program of this machine, which sends no origin


@pytest.mark.parametrize(
    "origin",
    [
        f"http://{EVIL}",
        "null",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:3000",
        "http://127.0.0.1.evil.example",
        "http://user@evil.example",
    ],
)
def test_a_page_of_another_site_opens_no_socket_and_reads_nothing(local: Server, origin: str) -> None:
    assert local.knock(Origin=origin) == 403
    assert local.ask("/api/map/{run}/ids", Origin=origin).status == 403


def test_a_name_that_was_pointed_at_this_machine_opens_no_socket(local: Server) -> None:
    for host in (EVIL, f"{EVIL}:{local.port}", "localhost.evil.example"):
        assert local.knock(Host=host, Origin=f"http://{host}") in (400, 403)
        assert local.knock(Host=host) in (400, 403)


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_answers_to_another_host(local: Server, path: str) -> None:
    for host in (EVIL, f"{local.address}.evil.example", "", f"{EVIL}@{local.address}", "0.0.0.0"):
        assert local.ask(path, Host=host).status == 400


@pytest.mark.parametrize(
    "hosts", ["", "Host: localhost\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: localhost\r\n"]
)
def test_a_request_without_a_host_or_with_two_is_refused(local: Server, hosts: str) -> None:
    sent = f"GET /api/none HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"
    assert parted(local.send(sent.encode())).status == 400


def test_the_host_counts_where_the_address_names_another(local: Server) -> None:
    assert local.ask(f"http://{local.host}/api/map/{{run}}/ids", Host=EVIL).status == 400


@pytest.mark.parametrize(
    "prefix",
    [
        "/api/map/",
        "/api/map/{run}/values/",
        "/api/sprite/",
        "/api/thumbnail/",
        "/api/",
        "/app/static/",
        "/static/",
        "/media/",
        "/component/",
        "/component/epoch_map/",
        "/_stcore/",
        "/",
    ],
)
def test_no_path_leads_out_of_its_folder(local: Server, prefix: str) -> None:
    ups = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..%252f", "....//", "%c0%ae%c0%ae/", "/")
    for up in ups:
        for wanted in ("secret.txt", "main.py", "etc/passwd", "secret.txt%00.webp"):
            answer = local.ask(f"{prefix}{up * 3}{wanted}")
            found = (SECRET.encode(), b"root:", b"table of contents")
            assert not any(words in answer.body for words in found), (up, wanted)
            assert answer.status >= 400 or b"<title>Streamlit</title>" in answer.body, (up, wanted)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/map/..%2f..%2fetc/ids", 400),
        ("/api/map/20260101-000000-000000/ids", 404),
        ("/api/map/{run}%00/ids", 400),
        ("/api/map/{run}%0d%0aX-Injected:%201/ids", 404),
        ("/api/map/{run}/positions?k=99999999999999999999", 400),
        ("/api/map/{run}/positions?k=-1", 400),
        ("/api/map/{run}/values/loss'%20OR%201=1", 400),
        ("/api/thumbnail/{run}/99999999999999999999.webp", 400),
        ("/api/thumbnail/{run}/-1.webp", 400),
        ("/api/thumbnail/{run}/1.webp?size=1000000", 400),
        ("/api/sprite/{run}.webp?ids=99999999", 400),
        ("/api/sprite/{run}.webp?ids=" + ",".join(["1"] * 600), 400),
        ("/api/sprite/{run}.webp?ids=1;DROP", 400),
        ("/api/sprite/{run}.webp?ids=" + "1" * 20_000, 414),
    ],
)
def test_what_is_no_run_and_no_number_in_range_is_refused(local: Server, path: str, status: int) -> None:
    answer = local.ask(path)
    assert answer.status == status
    assert "x-injected" not in answer.head.lower()
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/api/map/{run}/ids", "/_stcore/stream", "/app/static/x", "/runs"])
def test_nothing_can_be_sent_to_an_address(local: Server, method: str, path: str) -> None:
    assert local.ask(path, method).status == 405
    assert local.run.folder.is_dir()


def test_a_file_is_taken_only_with_the_token_against_forgery(local: Server) -> None:
    assert local.ask("/_stcore/upload_file/a/b", "PUT", Content_Length="0").status == 403
    assert local.ask("/_stcore/upload_file/a/b", "DELETE").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: -1\r\n",
        " Folded: x\r\n",
        "Bad\x00Name: x\r\n",
    ],
)
def test_a_second_request_cannot_hide_in_the_first(local: Server, headers: str) -> None:
    hidden = f"GET /api/map/{local.run.id}/ids HTTP/1.1\r\nHost: {EVIL}\r\n\r\n"
    first = f"POST /api/none HTTP/1.1\r\nHost: {local.host}\r\n{headers}Connection: close\r\n\r\n0\r\n\r\n"
    received = local.send(f"{first}{hidden}".encode("latin-1"))
    assert received.count(b"HTTP/1.1 ") <= 1
    assert parted(received).status in (0, 400, 405)


def test_an_oversized_header_is_refused_and_the_server_lives(local: Server) -> None:
    for size in (200_000, 5_000_000):
        assert local.ask("/api/none", X_Long="a" * size).status in (0, 400, 431)
    assert local.ask("/api/map/{run}/ids").status == 200


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_keeps_other_sites_out(local: Server, path: str) -> None:
    head = local.ask(path).head.lower()
    for header in ("x-content-type-options: nosniff", "x-frame-options: sameorigin"):
        assert head.count(header) == 1
    assert "cross-origin-resource-policy: same-origin" in head
    assert "referrer-policy: no-referrer" in head
    assert "default-src 'self'" in head
    assert "access-control-allow-origin" not in head
