"""The `notify` section and the `ping` of a schedule: what is read, refused, merged and masked."""

from pathlib import Path

import pytest

from flowerpower.config.files import load_pipeline, load_project
from flowerpower.config.merge import wants_finished
from flowerpower.errors import ConfigError
from flowerpower.job_queue.notices.targets import ConfiguredNotices
from flowerpower.jobs.event import EventKind
from flowerpower.pipeline import PipelineManager
from flowerpower.text import mask
from flowerpower_cli.commands import notify as command
from tests.conftest import MakeProject

HOOK = "https://hooks.example.com/services/T0000/B1111/abcdefghijkl"


def targets(root: Path, pipeline: str = "report", **environ: str) -> dict[str, set[str]]:
    found = ConfiguredNotices(root, environ).targets_of(pipeline)
    return {target.config.label: set(target.kinds) for target in found}


def test_the_kinds_are_those_of_events() -> None:
    """In YAML, in events, and as choices of the command line."""
    from typing import get_args

    from flowerpower.config.notify import NoticeKind

    kinds = {kind.value for kind in EventKind}
    assert set(get_args(NoticeKind)) == kinds
    literal = get_args(get_args(command.Kind)[0])[0]
    assert set(get_args(literal)) == kinds


def test_each_kind_of_target_is_read(make_project: MakeProject) -> None:
    """One or several, with one or several kinds of events; a pipeline's are added."""
    root = make_project(
        f"""
name: demo
notify:
  - on: [failed, missed]
    to: {{webhook: "{HOOK}", secret: "${{HOOK_SECRET}}"}}
  - on: recovered
    to:
      - command: [notify-send, --urgent]
      - command: "mail -s failed me@example.com"
      - apprise: "${{MAIL_URL}}"
        timeout: 10s
""",
        report=(f"notify: {{on: finished, to: {{webhook: '{HOOK}'}}}}\n", ""),
    )
    environ = {"HOOK_SECRET": "tulips", "MAIL_URL": "mailtos://me:daffodil@example.com"}
    assert targets(root, **environ) == {
        "webhook at hooks.example.com": {"failed", "missed", "finished"},
        "command notify-send": {"recovered"},
        "command mail": {"recovered"},
        "apprise mailtos": {"recovered"},
    }
    assert targets(root, "another", **environ)["webhook at hooks.example.com"] == {
        "failed",
        "missed",
    }
    for secret in (HOOK, "abcdefghijkl", "tulips", "daffodil", environ["MAIL_URL"]):
        assert secret not in mask(f"it failed: {secret}!")


@pytest.mark.parametrize(
    ("notify", "key", "said"),
    [
        ("[{on: failed, too: x}]", "notify[0].too", "Did you mean 'to'?"),
        ("[{on: fialed, to: {command: x}}]", "notify[0].on[0]", "Did you mean 'failed'?"),
        ("[{on: failed, to: {webhok: x}}]", "notify[0].to[0].webhok", "Did you mean 'webhook'?"),
        ("{on: failed, to: {webhook: 'ftp://x'}}", "webhook", "begins with http:// or https://"),
        ("{on: failed, to: {webhook: 'http://'}}", "webhook", "names a host"),
        ("{on: failed, to: {apprise: 'nothing'}}", "apprise", "one of Apprise's URLs"),
        ("{on: failed, to: {command: []}}", "command", "a program, its arguments"),
        ("{on: failed, to: {command: ''}}", "command", "cannot be empty"),
        ("{on: failed, to: {command: 7}}", "command", "expected text for a shell"),
        ("{on: failed, to: {}}", "notify[0].to[0]", "exactly one of command, webhook, apprise, got none"),
        ("{on: failed, to: {command: x, apprise: 'a://b'}}", "to[0]", "got command and apprise"),
        ("{on: failed, to: {command: x, secret: y}}", "to[0]", "secret is for a webhook"),
        ("{on: failed, to: {command: x, timeout: 5m}}", "timeout", "at most 60 seconds"),
        ("{on: [], to: {command: x}}", "notify[0].on", "at least one"),
        ("{on: failed}", "notify[0]", "expected the key to: whom to tell"),
        ("{to: {command: x}}", "notify[0]", "expected the key on: what to tell of"),
        ("true", "notify", "expected a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(make_project: MakeProject, notify: str, key: str, said: str) -> None:
    """With file, line and key, and the nearest name."""
    root = make_project(f"name: demo\nnotify: {notify}\n")
    with pytest.raises(ConfigError) as caught:
        load_project(root, {})
    text = str(caught.value)
    assert said in text, text
    assert key in text, text
    assert "conf/project.yml, line 2" in text


def test_a_wrong_url_is_not_shown(make_project: MakeProject) -> None:
    """It may well be a secret with a slip in it."""
    root = make_project("name: demo\nnotify: {on: failed, to: {webhook: 'htps://x/T0K3N'}}\n")
    with pytest.raises(ConfigError) as caught:
        load_project(root, {})
    assert "T0K3N" not in str(caught.value)


def test_a_variable_is_needed_by_who_sends_alone(make_project: MakeProject) -> None:
    """A run, and adding a job, need not know the address; a sender says which is missing."""
    notify = "notify: {on: failed, to: {webhook: '${HOOK_URL}'}}\n"
    root = make_project(f"name: demo\n{notify}", report=(notify, ""))
    assert load_project(root, {}).config.notify == []
    PipelineManager(root, environ={}).registry.get("report", overrides=_no_overrides())
    with pytest.raises(ConfigError, match="HOOK_URL is not set"):
        ConfiguredNotices(root, {})


def _no_overrides():
    from flowerpower.config.overrides import RunOverrides

    return RunOverrides()


def test_a_target_is_the_same_when_its_secret_has_changed(make_project: MakeProject) -> None:
    """So what is on its way arrives; nothing of the address is in what a queue stores."""
    root = make_project("notify: {on: failed, to: {webhook: '${HOOK_URL}'}}\n")
    (old,) = ConfiguredNotices(root, {"HOOK_URL": HOOK}).project_targets()
    (new,) = ConfiguredNotices(root, {"HOOK_URL": f"{HOOK}2"}).project_targets()
    assert old.digest == new.digest
    assert new.config.webhook == f"{HOOK}2"
    found = ConfiguredNotices(root, {"HOOK_URL": HOOK}).find(old.digest, ["../../etc/passwd"])
    assert found == old
    assert ConfiguredNotices(root, {"HOOK_URL": HOOK}).find("0" * 24, ["gone", "../x"]) is None


def test_a_broken_run_section_hides_no_notice(make_project: MakeProject) -> None:
    """Whatever else is wrong in a pipeline's file, who is told of its failure can be read."""
    config = "run: {tiemout: 3, inputs: {a: '${UNSET}'}}\nnotify: {on: failed, to: {command: x}}\n"
    root = make_project("name: demo\n", report=(config, ""))
    with pytest.raises(ConfigError):
        load_pipeline(root, "report", {})
    assert targets(root) == {"command x": {"failed"}}


def test_a_ping_belongs_to_a_declared_schedule(make_project: MakeProject) -> None:
    """By its id, or as the only one if YAML has made the live one."""
    config = "schedule:\n  - {id: a, cron: '@daily', ping: '%s/a'}\n  - {id: b, cron: '@daily'}\n"
    single = "schedule: {cron: '@daily', ping: '%s/c'}\n"
    url = "https://hc.example.com/0a1b2c3d"
    root = make_project("name: demo\n", many=(config % url, ""), one=(single % url, ""))
    configured = ConfiguredNotices(root, {})
    ping = configured.ping_of("many", "a", is_declared=True)
    assert ping is not None
    assert ping.url == f"{url}/a"
    assert configured.ping_of("many", "b", is_declared=True) is None
    assert configured.ping_of("many", "other", is_declared=False) is None
    only = configured.ping_of("one", "one-1", is_declared=True)
    assert only is not None
    assert only.url == f"{url}/c"
    assert configured.ping_of("one", "by-hand", is_declared=False) is None
    assert f"{url}/c" not in mask(f"asked {url}/c")


def test_the_end_of_a_job_is_stored_where_somebody_wants_it(make_project: MakeProject) -> None:
    """By an entry of the project or the pipeline, or for the ping of a fire."""
    finished = "notify: {on: [failed, finished], to: {command: x}}\n"
    root = make_project(
        "name: demo\n",
        plain=("notify: {on: failed, to: {command: x}}\n", ""),
        told=(finished, ""),
        pinged=("schedule: {cron: '@daily', ping: 'http://localhost/x'}\n", ""),
    )

    def wants(name: str, *, is_fire: bool = False) -> bool:
        project, pipeline = load_project(root, {}), load_pipeline(root, name, {})
        return wants_finished(pipeline.config, project.config, is_fire=is_fire)

    assert [wants(name) for name in ("plain", "told", "pinged")] == [False, True, False]
    assert wants("pinged", is_fire=True)
    assert not wants("plain", is_fire=True)
    (root / "conf" / "project.yml").write_text(f"name: demo\n{finished}")
    assert wants("plain")
