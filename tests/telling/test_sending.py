"""Messages to real servers on this machine: they arrive, encrypted where asked; and what goes wrong is said in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from message_servers import (
    PASSWORD,
    USER,
    Certificate,
    Mailbox,
    certificate,
    closed_port,
    mail_server,
    trusted,
    web_server,
)

from attendance_pipeline.home_settings import MailSetting, wrong_address
from attendance_pipeline.sending import SendingError, all_at_once, ping, post, send_mail

AT = dt.datetime(2026, 11, 24, 2, 41, tzinfo=dt.UTC)
TO = ("data.manager@oakfield.example", "office@oakfield.example")
SECOND = 1.0


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


def setting(port: int, **more: Any) -> MailSetting:
    given = {"host": "localhost", "port": port, "security": "none", "sender": USER, "to": TO}
    return MailSetting(**{**given, **more})


def mail(given: MailSetting, password: str | None = PASSWORD) -> None:
    send_mail(given, password, "The night failed", "The shared drive is not there.\n", AT, SECOND)


# ---------------------------------------------------------------- mail


def arrived(box: Mailbox) -> None:
    (message,), (recipients,) = box.came, box.recipients
    assert tuple(recipients) == TO
    assert (message["Subject"], message["From"], message["To"]) == ("The night failed", USER, ", ".join(TO))
    assert message["Auto-Submitted"] == "auto-generated", "so that nobody's absence note answers"
    assert message["Date"].datetime == AT
    assert message.get_content().strip() == "The shared drive is not there."


def test_a_mail_arrives_over_a_line_that_was_encrypted_after_the_greeting(
    ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(ours, monkeypatch)
    with mail_server(starttls=ours, login=True) as box:
        mail(setting(box.port, security="starttls", user=USER))
        arrived(box)
        assert box.logins == [(USER, True)], "the password went over an encrypted line"


def test_a_mail_arrives_over_a_line_that_is_encrypted_from_the_first_byte(
    ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(ours, monkeypatch)
    with mail_server(tls=ours) as box:
        mail(setting(box.port, security="tls"))
        arrived(box)


def test_a_relay_in_the_house_without_encryption_takes_mail_without_a_password() -> None:
    with mail_server() as box:
        mail(setting(box.port), password=None)
        arrived(box)


@pytest.mark.parametrize("subject", ["Line\r\nBcc: somebody@elsewhere.example", "Line\nX: y"])
def test_a_subject_is_one_line_whatever_stands_in_it(subject: str) -> None:
    with mail_server() as box:
        send_mail(setting(box.port), None, subject, "Text", AT, SECOND)
        (message,) = box.came
        assert message["Subject"] == " ".join(subject.split())
        assert message["Bcc"] is None
        assert tuple(box.recipients[0]) == TO


@pytest.fixture
def plain() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def test_without_encryption_where_it_is_asked_for_nothing_is_sent(plain: Mailbox) -> None:
    with pytest.raises(SendingError, match="offers no encryption"):
        mail(setting(plain.port, security="starttls", user=USER))
    assert (plain.came, plain.logins) == ([], [])


def test_a_certificate_that_nobody_trusts_or_of_another_name_is_refused(
    ours: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(starttls=ours, login=True) as box:
        with pytest.raises(SendingError, match="certificate that this machine does not trust"):
            mail(setting(box.port, security="starttls", user=USER))
        assert (box.came, box.logins) == ([], [])
    other = certificate(tmp_path, "mail.elsewhere.example")
    trusted(other, monkeypatch)
    with mail_server(tls=other) as box, pytest.raises(SendingError, match="or that is of another name"):
        mail(setting(box.port, security="tls"))


def test_a_wrong_password_is_said_and_not_repeated(ours: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted(ours, monkeypatch)
    with mail_server(starttls=ours, login=True) as box:
        with pytest.raises(SendingError, match="refused user or password") as failed:
            mail(setting(box.port, security="starttls", user=USER), password="another password")
        assert "another password" not in str(failed.value)
        with pytest.raises(SendingError, match="set the variable ATTENDANCE_MAIL_PASSWORD"):
            mail(setting(box.port, security="starttls", user=USER), password=None)


def test_what_else_a_mail_server_may_do_is_said_in_words() -> None:
    with pytest.raises(SendingError, match="does not accept connections"):
        mail(setting(closed_port()))
    with mail_server() as box:
        box.refuses = TO[:1]
        with pytest.raises(SendingError, match="refused 1 of the 2 addresses"):
            mail(setting(box.port))
        box.refuses = TO
        with pytest.raises(SendingError, match="refused every address"):
            mail(setting(box.port))
    with web_server() as web:
        web.waits = 5
        with pytest.raises(SendingError, match="localhost:"):  # a web server in place of a mail server
            mail(setting(web.port))


def test_a_slow_mail_server_is_not_waited_for() -> None:
    with mail_server() as box:
        box.waits = 3
        with pytest.raises(SendingError, match="did not answer in time"):
            mail(setting(box.port))


# ---------------------------------------------------------------- webhook and ping


def test_a_webhook_gets_json_and_its_secret_in_a_header(ours: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted(ours, monkeypatch)
    with web_server(tls=ours) as web:
        post(web.url(), "a secret", {"text": "All is well – über alles"}, SECOND)
        ping(web.url("/ping"), SECOND)
        (posted, pinged) = web.came
        assert (posted[0], posted[1], posted[2]["X-Attendance-Secret"]) == ("POST", "/hook", "a secret")
        assert posted[2]["Content-Type"] == "application/json; charset=utf-8"
        assert web.bodies() == [{"text": "All is well – über alles"}]
        assert (pinged[0], pinged[1], pinged[3]) == ("GET", "/ping", "")
        assert "X-Attendance-Secret" not in pinged[2]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(code: int) -> None:
    with web_server() as web, web_server() as elsewhere:
        web.answers, web.sends_to = code, elsewhere.url("/taken")
        with pytest.raises(SendingError, match=f"sends us elsewhere \\(code {code}\\)"):
            post(web.url(), "a secret", {"text": "x"}, SECOND)
        assert elsewhere.came == []


def test_what_goes_wrong_with_a_webhook_is_said_without_its_path_or_secret(ours: Certificate) -> None:
    said = []
    with web_server() as web:
        for web.answers in (400, 404, 500):
            with pytest.raises(SendingError, match=f"refused the message \\(code {web.answers}\\)") as failed:
                post(web.url("/services/T0/B0/TOKEN"), "a secret", {"text": "x"}, SECOND)
            said.append(str(failed.value))
        web.waits = 3
        with pytest.raises(SendingError, match="did not answer in time") as failed:
            post(web.url("/services/T0/B0/TOKEN"), "a secret", {"text": "x"}, SECOND)
        said.append(str(failed.value))
    with pytest.raises(SendingError, match="does not accept connections") as failed:
        post(f"http://localhost:{closed_port()}/TOKEN", "a secret", {"text": "x"}, SECOND)
    said.append(str(failed.value))
    with web_server(tls=ours) as web, pytest.raises(SendingError, match="does not trust") as failed:
        post(web.url("/TOKEN"), "a secret", {"text": "x"}, SECOND)
    said.append(str(failed.value))
    assert [text for text in said if "TOKEN" in text or "a secret" in text] == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example/x?sig=1", ""),
        ("http://127.0.0.1:8080/x", ""),
        ("http://[::1]/x", ""),
        ("http://localhost/x", ""),
        ("http://hooks.example/x", "https://"),
        ("http://127.0.0.1.hooks.example/x", "https://"),
        ("http://localhost.hooks.example/x", "https://"),
        ("https://somebody:word@hooks.example/x", "no user or password"),
        ("file:///etc/passwd", "an address"),
        ("ftp://hooks.example/x", "an address"),
        ("https:///x", "an address"),
        ("hooks.example", "an address"),
        ("https://hooks.example/a b", "an address"),
        ("https://hooks.example:99999/", "an address"),
        ("https://hooks.example/\r\nX: y", "an address"),
        ("", "an address"),
    ],
)
def test_which_addresses_are_called(url: str, expected: str) -> None:
    wrong = wrong_address(url)
    assert (wrong.startswith(expected) and bool(wrong)) if expected else wrong == ""
    if wrong:
        with pytest.raises(SendingError, match="no address that may be called"):
            ping(url, SECOND)


def test_messages_go_at_the_same_time_and_one_that_never_ends_is_left_behind() -> None:
    with web_server() as slow, web_server() as quick:
        slow.drips = True
        found = all_at_once(
            {
                "slow": lambda: ping(slow.url(), SECOND),
                "quick": lambda: ping(quick.url(), SECOND),
                "broken": lambda: int("x") and None,
            },
            seconds=1.5,
        )
    assert found["quick"] is None
    assert str(found["slow"]) == "no answer in time: given up"
    assert str(found["broken"]) == "it did not go (ValueError)"
