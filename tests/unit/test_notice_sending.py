"""Webhooks, pings and commands: sent to real servers and processes, also to those that misbehave."""

import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.notify import TargetConfig
from flowerpower.job_queue.notices import commands, send
from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.jobs.notice import Notice
from flowerpower.jobs.notice_text import NoticeText
from flowerpower.text import remember_secret
from flowerpower.triggers import clock
from tests.conditions import eventually, slowed
from tests.http_receiver import CERTIFICATE, Receiver, odd_server, receiver, refusing_url

SECRET = "tulip-in-winter"
EVENT = {
    "id": "failed:j1:1",
    "kind": "failed",
    "at": "2026-03-28T07:00:00+00:00",
    "facts": {
        "pipeline": "report",
        "schedule_id": "nightly",
        "scheduled_for": "2026-03-28T06:00:00+00:00",
        "job_id": "j1",
        "attempt": 1,
        "seconds": 1.25,
        "error": {"type": "ValueError", "message": f"no {SECRET}\x1b[31m", "node": "total"},
    },
}


def text_of(kind: str = "failed", told: str = "failed") -> NoticeText:
    notice = Notice(f"{kind}-0123", kind, 1, {"report": 1}, [{**EVENT, "kind": told}])
    return NoticeText(notice, "demo", "Europe/Berlin")


@pytest.fixture
def server() -> Iterator[Receiver]:
    remember_secret(SECRET)
    with receiver() as running:
        yield running


def hook(url: str, **settings: Any) -> TargetConfig:
    return TargetConfig(webhook=url, **settings)


def not_sent(target: TargetConfig, root: Path = Path()) -> NotSent:
    with pytest.raises(NotSent) as caught:
        send.send_notice(target, text_of(), root)
    return caught.value


# Webhooks


def test_a_webhook_gets_a_signed_notice(server: Receiver) -> None:
    """As JSON, without secrets; the signature is of the time and the body, so neither can change."""
    send.send_notice(hook(f"{server.url}/x?y=1", secret="shared"), text_of(), Path())
    (request,) = server.received
    assert (request.method, request.path) == ("POST", "/x?y=1")
    headers = request.headers
    assert headers["content-type"] == "application/json"
    assert headers["x-flowerpower-id"] == request.json["id"] == "failed-0123"
    timestamp = headers["x-flowerpower-timestamp"]
    assert abs(int(timestamp) - clock.now().timestamp()) < 60
    signed = hmac.new(b"shared", f"{timestamp}.".encode() + request.body, hashlib.sha256)
    assert headers["x-flowerpower-signature"] == f"sha256={signed.hexdigest()}"
    body = request.json
    assert body["kind"] == "failed"
    assert body["project"] == "demo"
    assert body["title"] == "demo: report failed"
    assert "flowerpower job-queue show-job j1" in body["text"]
    assert body["events"][0]["facts"]["job_id"] == "j1"
    assert SECRET not in request.body.decode()


def test_without_a_secret_nothing_is_signed(server: Receiver) -> None:
    """The time is there anyway."""
    send.send_notice(hook(server.url), text_of(), Path())
    assert "x-flowerpower-signature" not in server.received[0].headers


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_an_error_is_not_sent(server: Receiver, status: int) -> None:
    """With what the server says, on one line; and when to come again, if it says so."""
    server.answers = [(status, {"Retry-After": "17"})]
    server.says = b"no\nsuch\x1b[31m hook"
    error = not_sent(hook(server.url))
    assert error.reason.startswith(f"answered {status} ")
    assert "no\\nsuch\\x1b[31m hook" in error.reason
    assert error.retry_after == 17


def test_a_date_says_when_to_come_again(server: Receiver) -> None:
    """The other form of Retry-After; what is neither counts as nothing."""
    server.answers = [
        (503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        (503, {"Retry-After": "soon"}),
        (503, {}),
    ]
    assert not_sent(hook(server.url)).retry_after == 0
    assert not_sent(hook(server.url)).retry_after is None
    assert not_sent(hook(server.url)).retry_after is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_on_the_same_host(server: Receiver, status: int) -> None:
    """With the same request; a signature still fits."""
    server.answers = [(status, {"Location": "/moved"})]
    send.send_notice(hook(f"{server.url}/old", secret="shared"), text_of(), Path())
    assert server.paths == ["/old", "/moved"]
    first, second = server.received
    assert second.method == "POST"
    assert second.body == first.body
    assert second.headers["x-flowerpower-signature"] == first.headers["x-flowerpower-signature"]


@pytest.mark.parametrize(
    "place",
    [
        "http://localhost:{port}/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
    ],
)
def test_no_other_host_gets_a_notice(server: Receiver, place: str) -> None:
    """Nor another port, nor a file of this machine; and a circle ends."""
    server.answers = [(307, {"Location": place.format(port=server.port)})]
    assert "is not followed" in not_sent(hook(server.url)).reason
    assert len(server.received) == 1
    server.answers = [(307, {"Location": "/again"})] * 50
    assert "redirect" in not_sent(hook(server.url)).reason
    assert len(server.received) < 10


def test_https_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that this machine does not know is refused; one that it knows is taken."""
    with receiver(with_tls=True) as server:
        assert "certificate verify failed" in not_sent(hook(server.url)).reason.lower()
        assert server.received == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        send.send_notice(hook(server.url), text_of(), Path())
        assert server.received[0].json["kind"] == "failed"


@pytest.mark.parametrize("with_tls", [False, True])
@pytest.mark.parametrize("drips", [b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000])
def test_a_server_that_hangs_is_left_in_time(
    drips: bytes, with_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that sends a byte now and then, which no timeout of a socket would end."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with odd_server(drips=drips, with_tls=with_tls) as url:
        began = time.monotonic()
        assert "no answer within 0.5 s" in not_sent(hook(url, timeout=0.5)).reason
        assert time.monotonic() - began < slowed(3)


def test_a_server_that_closes_or_is_not_there_is_said() -> None:
    """In words, without the URL."""
    with odd_server(closes=True) as url:
        reason = not_sent(hook(f"{url}/secret-path")).reason
    assert reason == "the connection was closed without an answer"
    error = not_sent(hook(f"{refusing_url()}/secret-path"))
    assert error.reason == "Connection refused"
    nowhere = not_sent(hook("http://nowhere.invalid/secret-path"))
    assert "secret-path" not in nowhere.reason


# Pings


def test_a_ping_says_how_a_job_has_ended(server: Receiver) -> None:
    """The URL itself, or its path with /fail and the error as the body."""
    url = f"{server.url}/ping/0a1b?create=1"
    done = text_of("ping", "finished")
    send.send_ping(url, done.notice, done)
    failed = text_of("ping")
    send.send_ping(url, failed.notice, failed)
    success, failure = server.received
    assert (success.method, success.path, success.body) == ("GET", "/ping/0a1b?create=1", b"")
    assert (failure.method, failure.path) == ("POST", "/ping/0a1b/fail?create=1")
    assert "ValueError: no ***\\x1b[31m (in the node total)" in failure.body.decode()
    assert failure.headers["x-flowerpower-id"] == "ping-0123"


# Commands

SAVES = """
import json, os, sys
notice = json.load(sys.stdin)
facts = {name: value for name, value in os.environ.items() if name.startswith("FLOWERPOWER_")}
with open("got.json", "w") as file:
    json.dump([notice, facts, sys.argv[1:]], file)
"""


def test_a_command_gets_the_notice(tmp_path: Path) -> None:
    """On its standard input, with short facts in its environment, in the project's folder."""
    remember_secret(SECRET)
    argv = [sys.executable, "-c", SAVES, "a b", "$HOME; rm"]
    send.send_notice(TargetConfig(command=argv), text_of(), tmp_path)
    notice, facts, words = json.loads((tmp_path / "got.json").read_text())
    assert words == ["a b", "$HOME; rm"]
    assert notice["title"] == facts["FLOWERPOWER_NOTICE_TITLE"] == "demo: report failed"
    assert facts["FLOWERPOWER_NOTICE_KIND"] == "failed"
    assert facts["FLOWERPOWER_NOTICE_ID"] == notice["id"]
    assert facts["FLOWERPOWER_PIPELINE"] == "report"
    assert facts["FLOWERPOWER_SCHEDULE_ID"] == "nightly"
    assert facts["FLOWERPOWER_JOB_ID"] == "j1"
    assert facts["FLOWERPOWER_PROJECT"] == "demo"
    assert SECRET not in facts["FLOWERPOWER_NOTICE_TEXT"]


def test_a_text_is_for_a_shell(tmp_path: Path) -> None:
    """Pipes and variables work there."""
    line = 'cat > got.json; printf "%s" "$FLOWERPOWER_JOB_ID" > id'
    send.send_notice(TargetConfig(command=line), text_of(), tmp_path)
    assert (tmp_path / "id").read_text() == "j1"
    assert json.loads((tmp_path / "got.json").read_text())["kind"] == "failed"


def test_a_failed_command_says_why(tmp_path: Path) -> None:
    """Its exit code and the end of its output; or that it is not there."""
    remember_secret(SECRET)
    line = f"echo begin; echo 'no {SECRET}' >&2; exit 3"
    error = not_sent(TargetConfig(command=line), tmp_path)
    assert error.reason == "exit code 3: begin\\nno ***"
    assert "signal 9" in not_sent(TargetConfig(command="kill -9 $$"), tmp_path).reason
    missing = not_sent(TargetConfig(command=["/no/such/program"]), tmp_path)
    assert missing.reason == "it cannot be started: No such file or directory"
    assert not_sent(TargetConfig(command="x"), tmp_path / "gone").reason.startswith("it cannot")


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    """With what it has started; one that leaves something behind is not waited for."""
    line = "sleep 600 & echo $! > pid; wait"
    began = time.monotonic()
    error = not_sent(TargetConfig(command=line, timeout=1.0), tmp_path)
    assert error.reason == "it ran longer than 1 s and was ended"
    assert time.monotonic() - began < slowed(10)
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not _lives(pid))
    began = time.monotonic()
    send.send_notice(TargetConfig(command="sleep 5 & cat > /dev/null"), text_of(), tmp_path)
    assert time.monotonic() - began < slowed(2)


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_who_reaps_children_leaves_commands_alone(tmp_path: Path) -> None:
    """Their process ids are known while they run: their exit codes are for the notice."""
    import threading

    target = TargetConfig(command="while [ ! -e go ]; do sleep 0.02; done; exit 4")
    reasons: list[str] = []
    thread = threading.Thread(target=lambda: reasons.append(not_sent(target, tmp_path).reason))
    thread.start()

    def running() -> frozenset[int]:
        with commands.left_alone() as pids:
            return pids

    (pid,) = eventually(running)
    assert os.path.exists(f"/proc/{pid}")
    (tmp_path / "go").touch()
    thread.join()
    assert reasons == ["exit code 4"]
    assert not running()
