"""Who may read the dashboard, and who may act: hosts, forms, tokens, headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from flowerpower.errors import UsageError
from flowerpower_cli.web.security import HEADERS, Rules, is_loopback
from flowerpower_cli.web.server import check_address, read_token
from tests.web.conftest import Client, Running, running

TOKEN = "a-token-of-some-length"
PATHS = ("/", "/jobs", "/schedules", "/pipelines", "/workers", "/nothing", "/static/style.css")


@pytest.fixture
def guarded(project: Path) -> Iterator[Running]:
    """A dashboard that wants a token."""
    with running(project, token=TOKEN) as started:
        yield started


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(client: Client, path: str) -> None:
    """No script of others, no frame, no referrer, nothing kept."""
    headers = client.get(path).headers
    for name, value in HEADERS.items():
        assert headers[name] == value
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert headers["server"] is None


def test_pages_have_no_inline_script_or_style(client: Client) -> None:
    """The policy would forbid them."""
    for path in ("/", "/jobs", "/pipelines/report"):
        page = client.page(path)
        assert page.count("<script") == 1
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick" not in page


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8642", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1", 200),
        ("[::1]:8642", 200),
        ("192.168.1.7:8642", 200),
        ("evil.example:8642", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example@127.0.0.1", 421),
        ("", 421),
    ],
)
def test_the_host_must_be_this_machine(client: Client, host: str, status: int) -> None:
    """A name that was rebound to 127.0.0.1 reads nothing."""
    answer = client.get("/", host=host)
    assert answer.status == status
    if status == 421:
        assert "report" not in answer.text


def test_a_form_needs_its_token_and_our_origin(dashboard: Running) -> None:
    """Whatever is missing or wrong, nothing is done."""
    client, job = dashboard.client, dashboard.manager.add_job("report")
    path, ours = f"/jobs/{job.id}/cancel", client.origin
    token = client.form_token()
    other = Client(client.port).form_token()
    attempts = (
        ({}, {"origin": ours}),
        ({"form_token": "0" * 64}, {"origin": ours}),
        ({"form_token": other}, {"origin": ours}),
        ({"form_token": token}, {"origin": "http://evil.example"}),
        ({"form_token": token}, {"origin": "null"}),
        ({"form_token": token}, {"origin": f"http://127.0.0.1:{client.port + 1}"}),
        ({"form_token": token}, {"origin": ours, "sec_fetch_site": "cross-site"}),
        ({"form_token": token}, {"origin": "null", "sec_fetch_site": "same-site"}),
        ({"form_token": token}, {}),
    )
    for fields, headers in attempts:
        answer = client.ask("POST", path, urlencode(fields), **headers)
        assert answer.status == 403, (fields, headers)
        assert job.refresh().status == "queued"
    no_cookie = Client(client.port).ask("POST", path, urlencode({"form_token": token}), origin=ours)
    assert no_cookie.status == 403
    # A browser without scripts: our own policy has it send no origin.
    sent = client.ask(
        "POST", path, urlencode({"form_token": token}), origin="null", sec_fetch_site="same-origin"
    )
    assert (sent.status, sent.location) == (303, f"/jobs/{job.id}")
    assert job.refresh().status == "cancelled"


def test_nothing_is_done_by_reading(dashboard: Running) -> None:
    """An address that acts takes forms alone."""
    job = dashboard.manager.add_job("report")
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        assert dashboard.client.ask(method, f"/jobs/{job.id}/cancel").status in (404, 405)
    assert job.refresh().status == "queued"


def test_read_only_refuses_every_act(project: Path) -> None:
    """And its pages offer none."""
    with running(project, read_only=True) as started:
        client, manager = started.client, started.manager
        job = manager.add_job("report")
        manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
        paths = [f"/jobs/{job.id}/{verb}" for verb in ("retry", "cancel", "delete")]
        paths += [f"/schedules/daily/{verb}" for verb in ("pause", "resume", "run-now", "delete")]
        paths += ["/queues/default/pause", "/queues/default/resume", "/pipelines/report/run"]
        rules_of_page = client.page("/")
        assert "<form" not in rules_of_page
        for page in (f"/jobs/{job.id}", "/schedules/daily", "/pipelines/report"):
            assert "<button" not in client.page(page)
        # The cookie is there; without a form on the pages the token is in their body.
        token = rules_of_page.partition('data-form-token="')[2][:64]
        for path in paths:
            answer = client.ask(
                "POST", path, urlencode({"form_token": token}), origin=client.origin
            )
            assert answer.status == 403
            assert "--read-only" in answer.text
        assert job.refresh().status == "queued"
        assert [schedule.state for schedule in manager.schedules.list()] == ["active"]
        assert len(manager.jobs.list()) == 1


def test_a_token_is_asked_for_once(guarded: Running) -> None:
    """Then a cookie stands for it, until it is signed out."""
    client = guarded.client
    for path in ("/", "/jobs", "/events?address=/", "/metrics", "/jobs/x/log"):
        assert client.get(path, accept="*/*").status == 401
        assert client.get(path).location == "/sign-in"
    form = client.form_token("/sign-in")

    def sign_in(token: str) -> int:
        body = urlencode({"form_token": form, "token": token})
        return client.ask("POST", "/sign-in", body, origin=client.origin).status

    assert sign_in("not the token") == 403
    assert client.get("/").status == 303
    assert sign_in(TOKEN) == 303
    assert TOKEN not in str(client.cookies)
    assert client.get("/").status == 200
    body = urlencode({"form_token": form})
    assert client.ask("POST", "/sign-out", body, origin=client.origin).location == "/sign-in"
    assert client.get("/").status == 303


def test_cookies_are_not_for_scripts_or_other_sites(guarded: Running) -> None:
    """HttpOnly and SameSite=Strict."""
    client = guarded.client
    answer = client.get("/sign-in")
    cookies = answer.headers.get_all("set-cookie") or []
    assert cookies
    for cookie in cookies:
        assert "httponly" in cookie.lower()
        assert "samesite=strict" in cookie.lower()


def test_programs_send_the_token_as_a_header(guarded: Running) -> None:
    """As Prometheus does."""
    client = guarded.client
    assert client.get("/jobs", authorization=f"Bearer {TOKEN}").status == 200
    for wrong in ("Bearer x", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer \xe9"):
        assert client.get("/jobs", accept="*/*", authorization=wrong).status == 401


def test_a_forged_session_is_none(guarded: Running) -> None:
    """Nor one that has expired, or is of another server."""
    name = f"flowerpower_session_{guarded.client.port}"
    other = Rules(guarded.client.port, TOKEN).new_session()
    for value in ("", "x", "9999999999.", "9999999999." + "0" * 64, other, "\u00e9.x"):
        guarded.client.cookies[name] = value.encode().decode("latin-1")
        assert guarded.client.get("/", accept="*/*").status == 401


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a day."""
    rules = Rules(1, TOKEN)
    session = rules.new_session()
    assert rules.is_session(session)
    later = float(session.partition(".")[0]) + 1
    monkeypatch.setattr("flowerpower_cli.web.security.time.time", lambda: later)
    assert not rules.is_session(session)


def test_probes_need_no_token_and_learn_little(guarded: Running) -> None:
    """Codes of problems, by whatever name the server is called."""
    guarded.manager.add_job("report")
    answer = guarded.client.get("/healthz", host="pod-7.cluster.example")
    assert answer.status == 503
    assert answer.json == {"status": "failing", "problems": ["queue_without_worker"]}


def test_others_are_let_in_only_with_a_token() -> None:
    """An address that others reach needs one."""
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        assert is_loopback(host)
        check_address(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.7", "example.com", ""):
        with pytest.raises(UsageError, match="needs a token"):
            check_address(host, None)
        check_address(host, TOKEN)


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    """The file wins; what is short or cannot be read is refused, and never shown."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(None, None) is None
    assert read_token(None, "") is None
    assert read_token(None, TOKEN) == TOKEN
    assert read_token(file, "x") == TOKEN
    with pytest.raises(UsageError, match="No such file"):
        read_token(tmp_path / "none", TOKEN)
    file.write_text("short")
    with pytest.raises(UsageError, match="expected 16") as refused:
        read_token(file, None)
    assert "short" not in str(refused.value)


def test_a_form_that_is_too_large_is_refused(client: Client) -> None:
    """Before it is read whole."""
    body = urlencode({"form_token": client.form_token(), "x": "y" * 1_100_000})
    answer = client.ask("POST", "/pipelines/report/run", body, origin=client.origin)
    assert (answer.status, "larger than 1 MB" in answer.text) == (400, True)


def test_behind_a_proxy_with_tls_cookies_are_secure(client: Client) -> None:
    """As the proxy says that the browser came by https."""
    plain = client.get("/").headers["set-cookie"]
    client.cookies.clear()
    secure = client.get("/", x_forwarded_proto="https").headers["set-cookie"]
    assert ("Secure" in plain, "Secure" in secure) == (False, True)
