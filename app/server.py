"""The server: Streamlit's app and, beside it, the bytes of the map and its pictures.

A rerun of a page sends everything it shows through one socket; fifty thousand points and a page of thumbnails
therefore have addresses of their own, which the browser keeps. The server listens on this machine alone
unless told otherwise (app/serving/access.py), and every request passes app/serving/guard.py first.
"""

import math
import os
import re
import socket
import tomllib
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import streamlit as st
from numpy import ndarray
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app import gallery
from app.map import keyframes
from app.serving import guard, memory
from app.serving.access import LOCAL, TOKEN_VARIABLE, Access
from store.run import Run, RunIsForeign, RunNotFound, find_run

SIZES = (16, 256)  # pixels of a thumbnail
_PICTURES = "1"  # the version of all pictures: those of a data set are written once
_FOLDER = Path(__file__).parent


class RequestRefused(ValueError):
    """The request asks for something that no address of this server means."""


def serve(root: Path, *, port: int, open_browser: bool = False, access: Access = LOCAL) -> None:
    """Shows the runs in a folder at a port until stopped; OSError where the port is taken."""
    _check_port(access.address, port)
    memory.keep_little()
    os.environ["UNDERTOW_RUNS"] = str(Path(root).absolute())
    os.environ.pop(TOKEN_VARIABLE, None)  # what the app starts need not know it
    opens = access.url(port) if open_browser else None
    application(Path(root), opens=opens, access=access).run(config=settings(port, access))


def application(root: Path, *, opens: str | None = None, access: Access = LOCAL) -> st.App:
    """Returns the app over the runs in a folder; opens: an address to show in a browser once it is up."""

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        if opens:
            webbrowser.open(opens)
        # While the browser loads the frame; the first page that is asked for then need not.
        Thread(target=import_module, args=("app.views",), name="views", daemon=True).start()
        yield

    return st.App(
        _FOLDER / "main.py",
        routes=routes(root),
        middleware=guard.middleware(access),
        exception_handlers=FAILURES,
        lifespan=lifespan,
    )


def settings(port: int, access: Access = LOCAL) -> dict[str, Any]:
    """Returns every option of Streamlit that the app relies on; its file is only found from some folders."""
    text = (_FOLDER / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    reached = {"server.address": access.address, "server.allowedHosts": list(access.hosts)}
    return {**_flat(tomllib.loads(text)), **reached, "server.port": port}


def routes(root: Path) -> list[Route]:
    """Returns the addresses of bytes and pictures over the runs in a folder; none changes anything."""

    def route(path: str, answer: Callable[[Run, Request], Response]) -> Route:
        def respond(request: Request) -> Response:
            return answer(find_run(root, request.path_params["run"]), request)

        return Route(path, respond, methods=["GET"])

    return [
        route("/api/map/{run}/ids", _ids),
        route("/api/map/{run}/positions", _positions),
        route("/api/map/{run}/flags", _flags),
        route("/api/map/{run}/values/{name}", _values),
        route("/api/sprite/{run}.webp", _sprite),
        route("/api/thumbnail/{run}/{sample}.webp", _thumbnail),
        Route("/api/{rest:path}", _nothing_here),
        Route("/runs", _first_page),
    ]


def _ids(run: Run, request: Request) -> Response:
    return _bytes(run, _frames(run).ids.astype("<u4"), request)


def _positions(run: Run, request: Request) -> Response:
    frames = _frames(run)
    # In the frame of the maps asked for: the page converts lassos by it, whatever arrived since.
    asked = frames.first(_count(len(frames.epochs), request))
    return _bytes(run, asked.positions.astype("<u2"), request)


def _flags(run: Run, request: Request) -> Response:
    bits = keyframes.flags(run, run.data_version(), with_suspects="suspects" in request.query_params)
    return _bytes(run, _first(bits, request), request)


def _values(run: Run, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in keyframes.colourings(len(run.about().get("class_names", []))):
        raise RequestRefused(f"a map must be coloured by a signal or a class; got {name!r}")
    codes = keyframes.colouring(run, run.data_version(), name, _ends(request)).codes
    return _bytes(run, codes if len(codes) == 1 else _first(codes, request), request)


def _ends(request: Request) -> tuple[float, float] | None:
    """Returns the values of the first and the last colour, None where the run's own are asked for."""
    texts = [request.query_params.get(name) for name in ("low", "high")]
    if texts == [None, None]:
        return None
    try:
        low, high = (float(str(text)) for text in texts)
    except ValueError:
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise RequestRefused(f"low and high must be numbers in this order; got {str(texts)[:60]}")
    return low, high


def _sprite(run: Run, request: Request) -> Response:
    text = request.query_params.get("ids", "")
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise RequestRefused(f"ids must be whole numbers with commas between them; got {text[:40]!r}")
    ids = [int(part) for part in text.split(",")]
    if len(ids) > gallery.MOST:
        raise RequestRefused(f"ids must be at most {gallery.MOST}; got {len(ids)}")
    return _picture(run, ids, request)


def _thumbnail(run: Run, request: Request) -> Response:
    return _picture(run, [_whole(request.path_params["sample"], "sample", 0, 10**9)], request)


def _nothing_here(request: Request) -> Response:
    return PlainTextResponse(f"there is nothing at {request.url.path}", 404)


def _first_page(request: Request) -> Response:
    """Leads to Runs, which Streamlit shows at / alone, as its other pages are at their names."""
    return RedirectResponse(f"/?{request.url.query}" if request.url.query else "/")


def _frames(run: Run) -> keyframes.Keyframes:
    return keyframes.keyframes(run, run.data_version())


def _first(rows: ndarray, request: Request) -> ndarray:
    """Returns as many keyframes as are asked for with k, all without it."""
    return rows[: _count(len(rows), request)]


def _count(most: int, request: Request) -> int:
    return _whole(request.query_params.get("k", str(most)), "k", min(1, most), most)


def _picture(run: Run, ids: list[int], request: Request) -> Response:
    images = run.thumbnails()
    if images is None:
        raise RunNotFound(f"run {run.id} has no thumbnails yet; they come with its first epoch")
    if max(ids) >= len(images):
        raise RequestRefused(f"a sample of run {run.id} must be from 0 to {len(images) - 1}; got {max(ids)}")
    size = _whole(request.query_params.get("size", "64"), "size", *SIZES)
    content = gallery.sprite(np.asarray(images[ids]), size)
    return _answer(content, _lasting(request, _PICTURES), media_type="image/webp")


def _whole(text: str, name: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise RequestRefused(f"{name} must be from {low} to {high}; got {text[:40]!r}")
    return int(text)


def _bytes(run: Run, values: ndarray, request: Request) -> Response:
    content = np.ascontiguousarray(values).tobytes()
    # Asked for only now: had the run changed while it was read, the content may be that of neither version.
    return _answer(content, _lasting(request, run.data_version()), media_type="application/octet-stream")


def _lasting(request: Request, version: str) -> str:
    """Returns how long a browser may keep an answer: for ever only under the version that it is of."""
    asked = request.query_params.get("v")
    if asked == version:
        return "private, max-age=31536000, immutable"
    return "no-cache" if asked is None else "no-store"


def _answer(content: bytes, kept: str, *, media_type: str) -> Response:
    # Compressing took 0.25 s and saved 4 % of 4.2 MB.
    headers = {"Cache-Control": kept, "Content-Encoding": "identity"}
    return Response(content, media_type=media_type, headers=headers)


def _refuse(status: int) -> Callable[[Request, Exception], Response]:
    return lambda _, failure: PlainTextResponse(str(failure), status)


FAILURES: Mapping[Any, Callable[[Request, Exception], Response]] = {
    RunNotFound: _refuse(404),
    RunIsForeign: _refuse(404),
    RequestRefused: _refuse(400),
}


def _check_port(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as failure:
            raise OSError(f"port {port} is taken; stop what uses it or choose another") from failure


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turns nested sections into the dotted names that Streamlit's options have."""
    options: dict[str, Any] = {}
    for name, value in section.items():
        nested = isinstance(value, Mapping)
        options |= _flat(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}": value}
    return options
