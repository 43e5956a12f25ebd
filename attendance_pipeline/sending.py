"""Messages that leave this machine: an e-mail, a webhook, a ping. The only module that speaks to a network.

Belongs here: the three protocols, their limits in time, and what may go wrong in words without an address's secret
parts. Not here: what is told and when (`steps/telling.py`), or what a setting may be (`home_settings.py`).

A message goes encrypted or, to an address without a password, as the settings say; certificates are checked. No
redirect is followed: a message goes to the address in the settings or nowhere. A password or secret never stands in an
error.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from http.client import HTTPException, HTTPMessage
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attendance_pipeline.home_settings import MAIL_PASSWORD_VARIABLE, MailSetting, is_loopback, wrong_address

if TYPE_CHECKING:
    import datetime as dt

SECONDS = 10.0  # for each answer of a server
ALL_SECONDS = 20.0  # for all messages of one telling together, which go at the same time
SECRET_HEADER = "X-Attendance-Secret"  # noqa: S105  # the name of a header
_LINES = SMTP.clone(max_line_length=900)  # a subject in one line; a line of mail may have 998 characters (RFC 5322)
_READ = 1024  # of an answer; it is not looked at


class SendingError(Exception):
    """A message did not go. Says why in plain words, without a password or the secret part of an address."""


def send_mail(
    setting: MailSetting, password: str | None, subject: str, text: str, at: dt.datetime, seconds: float = SECONDS
) -> None:
    """Send one e-mail of plain text to all recipients. Raises SendingError when any of them was refused."""
    message = EmailMessage(policy=_LINES)
    message["Subject"] = " ".join(subject.split())
    message["From"] = setting.sender
    message["To"] = ", ".join(setting.to)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=setting.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # so that no out-of-office answer comes back (RFC 3834)
    message.set_content(text)
    where = f"the mail server {setting.host}:{setting.port}"
    if setting.user and not password:
        raise SendingError(f"there is no password for {where}: set the variable {MAIL_PASSWORD_VARIABLE}")
    try:
        with _connection(setting, seconds) as server:
            if setting.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if setting.user:
                server.login(setting.user, password or "")
            refused = server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise SendingError(f"{where} refused user or password: correct telling.mail.user or the password") from None
    except smtplib.SMTPNotSupportedError:
        raise SendingError(f"{where} offers no encryption as telling.mail.security asks, or no login") from None
    except smtplib.SMTPRecipientsRefused:
        raise SendingError(f"{where} refused every address of telling.mail.to") from None
    except smtplib.SMTPResponseException as error:
        raise SendingError(f"{where} refused the message (code {error.smtp_code})") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise SendingError(f"{where} {_why(error)}") from None
    if refused:
        raise SendingError(f"{where} refused {len(refused)} of the {len(setting.to)} addresses of telling.mail.to")


def _connection(setting: MailSetting, seconds: float) -> smtplib.SMTP:
    if setting.security == "tls":
        return smtplib.SMTP_SSL(setting.host, setting.port, timeout=seconds, context=ssl.create_default_context())
    return smtplib.SMTP(setting.host, setting.port, timeout=seconds)


def post(url: str, secret: str | None, content: Mapping[str, Any], seconds: float = SECONDS) -> None:
    """POST `content` as JSON; `secret` goes in the header X-Attendance-Secret. Raises SendingError unless 2xx."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if secret:
        headers[SECRET_HEADER] = secret
    _call("the webhook", url, json.dumps(content).encode(), headers, seconds)


def ping(url: str, seconds: float = SECONDS) -> None:
    """GET the address, with nothing in it. Raises SendingError unless it answers 2xx."""
    _call("the ping", url, None, {}, seconds)


def _call(what: str, url: str, body: bytes | None, headers: Mapping[str, str], seconds: float) -> None:
    if wrong := wrong_address(url):
        raise SendingError(f"{what} has no address that may be called: expected {wrong}")
    where = f"{what} at {urlsplit(url).hostname}"  # no more: the path may be the secret
    try:
        request = urllib.request.Request(  # noqa: S310  # http and https alone: `wrong_address`
            url, body, {"User-Agent": "attendance-pipeline", **headers}, method="GET" if body is None else "POST"
        )
        opener = _TO_THIS_MACHINE if is_loopback(urlsplit(url).hostname or "") else _OPENER
        with opener.open(request, timeout=seconds) as answer:
            answer.read(_READ)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _REDIRECTS:
            raise SendingError(f"{where} sends us elsewhere (code {error.code}): set the address it means") from None
        raise SendingError(f"{where} refused the message (code {error.code})") from None
    except (OSError, HTTPException, ValueError) as error:
        raise SendingError(f"{where} {_why(error)}") from None


_REDIRECTS = (301, 302, 303, 307, 308)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None  # then the answer is an HTTPError with the code of the redirect


# With the proxy that the machine is set up with, where there is one; to this machine itself without.
_OPENER = urllib.request.build_opener(_NoRedirect)
_TO_THIS_MACHINE = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _why(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "shows a certificate that this machine does not trust, or that is of another name"
    if isinstance(cause, ssl.SSLError):
        return "does not speak the encryption that the settings ask for"
    # The mail library takes every end of a wait for a lost connection, and tells only in its words which it was.
    if isinstance(cause, TimeoutError) or (isinstance(cause, smtplib.SMTPException) and "timed out" in str(cause)):
        return "did not answer in time"
    if isinstance(cause, ConnectionRefusedError):
        return "does not accept connections: is it running, and is the port right?"
    if isinstance(cause, OSError) and cause.strerror:
        return f"could not be reached ({cause.strerror})"
    return f"broke off ({type(cause).__name__})"


def all_at_once(
    messages: Mapping[str, Callable[[], None]], seconds: float = ALL_SECONDS
) -> dict[str, SendingError | None]:
    """Send messages at the same time and wait no longer than `seconds`; by name what went wrong, None where it went.

    A server that answers a byte at a time keeps each wait short and never ends: it is left behind.
    """
    answers: dict[str, Future[SendingError | None]] = {name: Future() for name in messages}

    def send(name: str) -> None:
        try:
            messages[name]()
            answers[name].set_result(None)
        except SendingError as error:
            answers[name].set_result(error)
        except Exception as error:  # whatever a server made a library do: it must not end a night
            answers[name].set_result(SendingError(f"it did not go ({type(error).__name__})"))

    for name in messages:
        threading.Thread(target=send, args=(name,), daemon=True).start()
    wait(answers.values(), timeout=seconds)
    late = SendingError("no answer in time: given up")
    return {name: answer.result() if answer.done() else late for name, answer in answers.items()}
