"""Dagster's web server behind a guard: it answers its own page, and no other page that a browser happens to show.

Belongs here: which requests are refused before Dagster sees them. Not here: who may log in. There is no login; that is
the work of a proxy in front (docs/security.md).

Dagster's server asks nobody who he is. On loopback a stranger cannot reach it, but the browser of the person at the
machine can, and a page of the stranger's runs in that browser. Three ways in are closed: a request that a foreign page
sends (a form, a picture, a script), a foreign name that is made to point at this machine, and a page that shows ours in
a frame and lets the visitor click on it unseen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from urllib.parse import urlsplit

from dagster_webserver import app as webserver_app
from dagster_webserver.cli import main as dagster_webserver
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What a browser sends to another site without asking that site first: every type but these (fetch.spec.whatwg.org,
# "CORS-safelisted request-header").
_ASKED_FIRST = ("application/json", "application/graphql")
_REFUSED_SOCKET = 1008  # RFC 6455: against the policy


class OwnPageOnly:
    """Lets through what was sent to one of `names` by a page of the same name, or by no page at all. Else 403."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {*LOOPBACK, *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        why = self.refusal(scope)
        if why is None:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "http":
            await PlainTextResponse(f"Refused: {why}.\n", status_code=403)(scope, receive, send)
        else:
            await receive()  # the request to connect, which is answered by closing
            await send({"type": "websocket.close", "code": _REFUSED_SOCKET})

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None when it is let through."""
        headers = Headers(scope=scope)
        if _name(f"//{headers.get('host', '')}") not in self._names:
            return "this page is not known by that name; say the name with attendance ui --name"
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._names:
            return "another page asked"
        if scope["type"] == "websocket":
            return None
        reads = scope["method"] in ("GET", "HEAD", "OPTIONS")
        if scope["path"].rstrip("/").endswith("/graphql") and (not reads or scope["query_string"]):
            if reads:
                return "questions are sent by POST"
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return "another page asked"
        if not reads and headers.get("content-type", "").split(";")[0].strip().lower() not in _ASKED_FIRST:
            return "what is sent here is JSON"
        return None


def _name(address: str) -> str:
    """The name in an address, without its port; "" where there is none, or it is no address."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def _unframed(send: Send) -> Send:
    async def with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("X-Frame-Options", "SAMEORIGIN")
        await send(message)

    return with_header


def main() -> None:
    """`python -m attendance_pipeline.web_guard [NAME ...] -- ARGUMENTS OF DAGSTER-WEBSERVER`."""
    end = sys.argv.index("--")
    names, sys.argv[1:] = sys.argv[1:end], sys.argv[end + 1 :]

    class Guarded(DagsterWebserver):
        def build_middleware(self) -> list[Middleware]:
            return [Middleware(OwnPageOnly, names=names), *super().build_middleware()]

    # Dagster's program has no option for it; the class is looked up by this name when the application is built.
    webserver_app.DagsterWebserver = Guarded  # type: ignore[misc]
    dagster_webserver()


if __name__ == "__main__":
    main()
