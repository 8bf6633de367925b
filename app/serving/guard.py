"""What every request passes before the app sees it: its host, its origin, its method and its token.

It stands before Streamlit and the app's own addresses alike, sockets included. A browser lets any site send
requests to this machine; those are told from the app's own by the names that they carry.
"""

import hashlib
import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.serving.access import LOCAL, Access

_READING = {"GET", "HEAD", "OPTIONS"}
# Streamlit's own, for files that a person picks; it demands a token against forgery.
_UPLOADS = "/_stcore/upload_file/"
_LONGEST_TARGET = 16_000  # bytes of path and query: 512 ids and every parameter of a page fit
# Scripts and styles in pages are Streamlit's; what this forbids is to load from or send to anywhere else.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; media-src 'self' data: blob:; "
    "frame-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": _POLICY.encode(),
}
_UNKNOWN = (
    "<!doctype html><title>Undertow</title><p>This app is open only with its token: use the whole address, "
    "with <code>?token=…</code>, that the command <code>undertow</code> printed when it started.</p>"
    # A browser keeps the cookie back where another site led here; from this page it sends it.
    '<p>If you followed such an address, <a href="">go on</a>.</p>'
)


def middleware(access: Access = LOCAL) -> list[Middleware]:
    """Returns what stands before the app, the outermost first."""
    gates = [Middleware(SafeHeaders), Middleware(SameOrigin, hosts=access.hosts)]
    return [*gates, Middleware(Token, token=access.token)] if access.token else gates


class SafeHeaders:
    """Adds the headers that keep other sites from framing, sniffing or embedding an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and adds the headers to the start of its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*filter(_stays, message.get("headers", [])), *_HEADERS.items()]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses what another site or a name that is not the app's asks for."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self.app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers with the reason for refusing it."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        await _pass_or_refuse(self.app, refusal, scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower().split(":")[0] not in self._hosts:
            return PlainTextResponse(
                "the app does not answer to this host name; open it as it was printed", 400
            )
        if any(urlsplit(origin).netloc.lower() != hosts[0].lower() for origin in headers.getlist("origin")):
            return PlainTextResponse("the app answers no other site", 403)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_TARGET:
            return PlainTextResponse(f"an address must have at most {_LONGEST_TARGET} characters", 414)
        if scope["type"] == "http" and scope["method"] not in _READING and not _is_upload(scope):
            return PlainTextResponse("the app's addresses can only be read", 405, {"Allow": "GET, HEAD"})
        return None


class Token:
    """Demands a token: in the address on the first visit, in a cookie from then on."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._digest = _digest(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers with the cookie or the reason for refusing it."""
        answer = self._answer(scope) if scope["type"] in ("http", "websocket") else None
        await _pass_or_refuse(self.app, answer, scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        name = f"undertow_{(scope.get('server') or ('', 0))[1]}"  # browsers share cookies between ports
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for key, value in pairs if key == "token"]
        if given and scope["type"] == "http":
            if len(given) > 1 or not hmac.compare_digest(_digest(given[0]), self._digest):
                return HTMLResponse(_UNKNOWN, 401)
            return self._welcome(scope["path"], pairs, name)
        if hmac.compare_digest(_cookie(scope, name), self._digest):
            return None
        return HTMLResponse(_UNKNOWN, 401)

    def _welcome(self, path: str, pairs: list[tuple[str, str]], name: str) -> Response:
        """Returns the way to the same address without the token, which stays behind in a cookie."""
        rest = urlencode([pair for pair in pairs if pair[0] != "token"])
        target = "/" + path.lstrip("/\\") + (f"?{rest}" if rest else "")
        answer = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        answer.set_cookie(name, self._digest, httponly=True, samesite="strict", path="/")
        return answer


async def _pass_or_refuse(
    app: ASGIApp, answer: Response | None, scope: Scope, receive: Receive, send: Send
) -> None:
    if answer is None:
        await app(scope, receive, send)
    elif scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})


def _stays(header: tuple[bytes, bytes]) -> bool:
    """Whether a header is left: not those set here, nor Streamlit's leave for other sites to read."""
    name = header[0].lower()
    return name not in _HEADERS and not name.startswith(b"access-control-")


def _is_upload(scope: Scope) -> bool:
    return scope["method"] in ("PUT", "DELETE") and scope["path"].startswith(_UPLOADS)


def _digest(token: str) -> str:
    """Returns a token as a text of fixed length, which a cookie can hold."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _cookie(scope: Scope, name: str) -> str:
    """Returns the value of a cookie in printable ASCII, "" without one."""
    try:
        found = SimpleCookie("; ".join(Headers(scope=scope).getlist("cookie"))).get(name)
    except CookieError:
        return ""
    return found.value if found and found.value.isascii() else ""
