"""Real servers on this machine alone that messages are sent to: a mail server and a web server, each well or at fault.

The certificate is made for the length of a test, for the name `localhost`; `trusted` makes this process trust it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "pipeline@oakfield.example", "a password of the tests"


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---------------------------------------------------------------- a certificate


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def certificate(folder: Path, name: str = "localhost") -> Certificate:
    """A certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    out = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    out.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    out.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return out


def trusted(given: Certificate, patch: pytest.MonkeyPatch) -> None:
    """Make this process trust the certificate, as a school's own authority would be trusted."""
    patch.setenv("SSL_CERT_FILE", str(given.file))


# ---------------------------------------------------------------- mail


@dataclass
class Mailbox:
    """A mail server's address and all that came. `refuses`: recipients that it does not take; `waits`: seconds that it
    thinks about each message; `lines`: whether a login went over an unencrypted line."""

    port: int = 0
    host: str = "localhost"
    came: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, bool]] = field(default_factory=list)
    refuses: tuple[str, ...] = ()
    waits: float = 0

    def texts(self) -> list[str]:
        """Everything of every message, headers too, as it came."""
        return [message.as_string() + message.get_content() for message in self.came]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        time.sleep(self.waits)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.came.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@contextlib.contextmanager
def mail_server(
    *, starttls: Certificate | None = None, tls: Certificate | None = None, login: bool = False, port: int = 0
) -> Iterator[Mailbox]:
    """A mail server: plain, with STARTTLS offered and asked for, or encrypted from the first byte."""
    box = Mailbox(port=port or closed_port())

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        box.logins.append((data.login.decode(), session.ssl is not None or tls is not None))
        return AuthResult(success=(data.login.decode(), data.password.decode()) == (USER, PASSWORD), handled=False)

    controller = Controller(
        box,
        hostname="localhost",
        port=box.port,
        ssl_context=tls.server_context() if tls else None,
        tls_context=starttls.server_context() if starttls else None,
        require_starttls=starttls is not None,
        authenticator=authenticate if login else None,
        auth_required=login,
        auth_require_tls=starttls is not None,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


# ---------------------------------------------------------------- the web


@dataclass
class Web:
    """A web server's address and all that was asked of it. `answers`: the code; `sends_to`: where a redirect points;
    `waits`: seconds before an answer; `drips`: answers a byte at a time and never ends."""

    port: int = 0
    scheme: str = "http"
    came: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    answers: int = 200
    sends_to: str = ""
    waits: float = 0
    drips: bool = False

    def url(self, path: str = "/hook") -> str:
        return f"{self.scheme}://localhost:{self.port}{path}"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for method, _, _, body in self.came if method == "POST"]


@contextlib.contextmanager
def web_server(tls: Certificate | None = None) -> Iterator[Web]:
    """A web server that takes GET and POST."""
    web = Web(scheme="https" if tls else "http")
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            web.came.append((self.command, self.path, dict(self.headers.items()), body))
            over.wait(web.waits)
            with contextlib.suppress(OSError):
                if web.drips:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    while not over.wait(0.1):
                        self.wfile.write(b"X")
                    return
                self.send_response(web.answers)
                if web.sends_to:
                    self.send_header("Location", web.sends_to)
                self.send_header("Content-Length", "0")
                self.end_headers()

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.server_context().wrap_socket(server.socket, server_side=True)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
