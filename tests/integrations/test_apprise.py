"""Notices by Apprise: to a real SMTP server and a real HTTP one, also to those that misbehave."""

from __future__ import annotations

import email
import email.policy
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from flowerpower.config.notify import TargetConfig
from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.job_queue.notices.send import send_notice
from flowerpower.jobs.notice import Notice
from flowerpower.jobs.notice_text import NoticeText
from flowerpower.text import mask
from tests.conditions import slowed
from tests.conftest import MakeProject
from tests.http_receiver import odd_server, receiver
from tests.servers import free_port
from tests.terminal import Cli

PASSWORD = "tulip-in-winter"


@dataclass
class Mailbox:
    """Mails that came to a server on a port."""

    port: int
    mails: list[Any] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 come again later"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(mail)
        return "250 OK"

    def url(self, password: str = PASSWORD) -> str:
        return (
            f"mailto://me:{password}@127.0.0.1:{self.port}"
            "?from=flowers@example.com&to=you@example.com&mode=insecure"
        )


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A server that wants a login."""
    kept = Mailbox(free_port())

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=is_right)

    controller = Controller(
        kept, "127.0.0.1", kept.port, authenticator=check, auth_require_tls=False
    )  # fmt: skip
    controller.start()
    yield kept
    controller.stop()


def text() -> NoticeText:
    facts = {"pipeline": "report", "job_id": "j1", "error": {"type": "E", "message": "<b>*x*"}}
    event = {"kind": "failed", "at": "2026-03-28T07:00:00+00:00", "facts": facts}
    return NoticeText(Notice("failed-1", "failed", 1, {"report": 1}, [event]), "demo", "UTC")


def not_sent(url: str, root: Any, **settings: Any) -> str:
    with pytest.raises(NotSent) as caught:
        send_notice(TargetConfig(apprise=url, **settings), text(), root)
    return caught.value.reason


def test_a_mail_arrives(mailbox: Mailbox, tmp_path: Any) -> None:
    """With title and text as they are: nothing in it is markup."""
    send_notice(TargetConfig(apprise=mailbox.url()), text(), tmp_path)
    (mail,) = mailbox.mails
    assert mail["Subject"] == "demo: report failed"
    body = mail.get_body(("plain",)).get_content()
    assert "E: <b>*x*" in body
    assert "flowerpower job-queue show-job j1" in body


def test_why_it_was_not_sent_is_said_without_its_secrets(
    mailbox: Mailbox, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong login, a server that refuses, that is not there, or says nothing."""
    caplog.set_level(logging.DEBUG)
    reasons = [not_sent(mailbox.url("daffodil-in-may"), tmp_path)]
    mailbox.refuses = True
    reasons.append(not_sent(mailbox.url(), tmp_path))
    mailbox.port = free_port()
    reasons.append(not_sent(mailbox.url(), tmp_path))
    with odd_server() as url:
        mailbox.port = int(url.rpartition(":")[2])
        began = time.monotonic()
        reasons.append(not_sent(mailbox.url(), tmp_path))
        assert time.monotonic() - began < slowed(40)
    assert all(reasons), reasons
    shown = "".join(reasons) + caplog.text
    assert PASSWORD not in shown, shown
    assert "daffodil" not in shown, shown


def test_an_unknown_service_is_said(tmp_path: Any) -> None:
    """In words of ours."""
    assert not_sent("nonsense://abcdefghijkl", tmp_path) == (
        "Apprise does not know a service of this URL"
    )
    assert "abcdefghijkl" not in mask("it is abcdefghijkl")


def test_another_service_gets_it_too(cli: Cli, make_project: MakeProject) -> None:
    """By the command line, with the URL from the environment."""
    notify = "notify: {on: failed, to: {apprise: '${NOTIFY_URL}'}}\n"
    make_project(f"name: demo\n{notify}")
    with receiver() as server:
        url = f"json://127.0.0.1:{server.port}/token-0123456789"
        ended = cli.run("notify", "test", NOTIFY_URL=url, code=0)
        assert ended.stdout.startswith("apprise json: sent in ")
        assert server.received[0].json["title"] == "demo: a test notice"
        server.answers = [(500, {})]
        ended = cli.run("notify", "test", "--json", NOTIFY_URL=url, code=1)
        assert "500" in ended.json[0]["error"]
        assert "0123456789" not in ended.stdout + ended.stderr
