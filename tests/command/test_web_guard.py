"""Which requests Dagster's page answers: those of its own page and of programs, and of no page of anybody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from starlette.types import Message, Receive, Scope, Send

from attendance_pipeline.web_guard import OwnPageOnly

PROXY = "attendance.school.example"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HERE = "http://127.0.0.1:3000"
ASK, SEE, REPORT = "/graphql", "/runs/1", "/report_asset_check/register"


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    """What is behind the guard: it answers everybody."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})


def first_answer(kind: str, method: str, target: str, headers: Mapping[str, str]) -> Message:
    """The first message that comes back through the guard."""
    path, _, query = target.partition("?")
    given = {"Host": "127.0.0.1:3000", **headers}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    came: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        came.append(message)

    asyncio.run(OwnPageOnly(_page, [PROXY])(scope, receive, send))
    return came[0]


@pytest.mark.parametrize(
    ("method", "path", "headers", "answered"),
    [
        # its own page, and programs, which name no origin
        ("POST", ASK, JSON, True),
        ("POST", ASK, JSON | {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}, True),
        ("POST", ASK, {"Content-Type": "application/json; charset=utf-8"}, True),
        ("GET", SEE, {}, True),
        ("GET", SEE, {"Host": "localhost:3000"}, True),
        ("GET", SEE, {"Host": "[::1]:3000"}, True),
        ("GET", ASK, {"Accept": "text/html"}, True),
        # by way of the proxy with the login
        ("GET", SEE, {"Host": PROXY}, True),
        ("POST", ASK, JSON | {"Host": PROXY, "Origin": f"https://{PROXY}"}, True),
        ("POST", ASK, JSON | {"Host": PROXY.upper(), "Origin": f"https://{PROXY}"}, True),
        # a link in a note or a mail leads here
        ("GET", SEE, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, True),
        # another page's script, form, picture
        ("POST", ASK, JSON | {"Origin": "https://evil.example"}, False),
        ("POST", ASK, JSON | {"Origin": "null"}, False),
        ("POST", ASK, JSON | {"Sec-Fetch-Site": "cross-site"}, False),
        ("POST", ASK, FORM, False),
        ("POST", ASK, {"Content-Type": "text/plain"}, False),
        ("POST", ASK + "?query=mutation{x}", FORM, False),
        ("POST", ASK + "?query=mutation{x}", {}, False),
        ("GET", ASK + "?query=mutation{x}", {}, False),
        ("GET", SEE, {"Origin": "https://evil.example"}, False),
        ("POST", REPORT + "?passed=true", FORM, False),
        ("DELETE", SEE, {}, False),
        # another name that is made to point here
        ("GET", SEE, {"Host": "evil.example"}, False),
        ("POST", ASK, JSON | {"Host": "evil.example:3000", "Origin": "http://evil.example:3000"}, False),
        ("GET", SEE, {"Host": "127.0.0.1.evil.example"}, False),
        ("GET", SEE, {"Host": f"{PROXY}.evil.example"}, False),
        ("GET", SEE, {"Host": ""}, False),
        # what is no address at all, and other ways to say the same
        ("GET", SEE, {"Host": "[::1"}, False),
        ("GET", SEE, {"Origin": "http://["}, False),
        ("HEAD", ASK + "?query={x}", {}, False),
        ("GET", ASK + "/?query=mutation{x}", {}, False),
    ],
)
def test_a_request(method: str, path: str, headers: dict[str, str], answered: bool) -> None:
    answer = first_answer("http", method, path, headers)
    assert answer["status"] == (200 if answered else 403)
    assert not answered or (b"x-frame-options", b"SAMEORIGIN") in answer["headers"]


@pytest.mark.parametrize(
    ("headers", "answered"),
    [
        ({"Host": "127.0.0.1:3000"}, True),
        ({"Host": "127.0.0.1:3000", "Origin": HERE}, True),
        ({"Host": "127.0.0.1:3000", "Origin": "https://evil.example"}, False),
        ({"Host": "evil.example"}, False),
    ],
)
def test_a_socket(headers: dict[str, str], answered: bool) -> None:
    answer = first_answer("websocket", "GET", ASK, headers)
    assert answer == ({"type": "websocket.accept"} if answered else {"type": "websocket.close", "code": 1008})
