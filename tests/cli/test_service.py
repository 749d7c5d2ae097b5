"""`flowerpower service print`: the files of every kind, and writing them."""

from __future__ import annotations

import os
import plistlib
import pwd
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.services.deployment import Deployment, ServiceOptions, make_deployment
from flowerpower.pipeline.services.kinds import KINDS, service_files
from flowerpower.pipeline.services.systemd import command_line
from tests.conftest import MakeProject
from tests.terminal import Cli

REDIS = "name: My_Project\njob_queue: {type: rq, backend: {url: '${REDIS_URL}', queues: [fast, slow]}}\n"
SECRET = "redis://:tulip-in-winter@127.0.0.1:1/0"
PIPELINE = ("run: {inputs: {key: '${API_KEY}', mode: '${MODE:-fast}'}}\n", "def total(key: str) -> str:\n    return key\n")  # fmt: skip


@pytest.fixture
def project(make_project: MakeProject, cli: Cli) -> Path:
    """A project on Redis, which takes secrets from the environment."""
    cli.environ["REDIS_URL"] = SECRET
    return make_project(REDIS, report=PIPELINE)


def deployment(root: Path, **options: object) -> Deployment:
    manager = PipelineManager(root, quiet=True, environ={"REDIS_URL": SECRET})
    made = ServiceOptions(**options)  # type: ignore[arg-type]
    return make_deployment(manager.project, manager.registry, manager.job_queue, made)


def contents(root: Path, kind: str, **options: object) -> dict[str, str]:
    return {file.name: file.content for file in service_files(kind, deployment(root, **options))}


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_prints_a_secret(kind: str, cli: Cli, project: Path) -> None:
    """Whatever stands in the environment; and every file says for which project it is."""
    cli.environ["API_KEY"] = "crocus-in-spring"
    ended = cli.run("service", "print", kind, code=0)
    assert "tulip" not in ended.stdout
    assert "crocus" not in ended.stdout
    assert "start-worker" in ended.stdout
    rows = cli.run("service", "print", kind, "--json", code=0).json
    assert set(rows[0]) == {"name", "target", "mode", "path", "content"}
    assert all(row["content"] in ended.stdout for row in rows)


def test_what_yaml_takes_from_the_environment_is_listed(project: Path) -> None:
    """In project and pipelines; what has a default is only a comment."""
    text = contents(project, "systemd")["My_Project.env"]
    assert re.findall(r"^[A-Z#].*=.*", text, re.MULTILINE)[-3:] == [
        "API_KEY=", "# MODE=", "REDIS_URL=",
    ]  # fmt: skip


def test_files_are_written_and_never_over_others(cli: Cli, project: Path) -> None:
    """Without --yes nothing is replaced; the environment file, with its secrets, never."""
    ended = cli.run(
        "service", "print", "systemd", "--output", "deploy files", "--user", "me", code=0
    )
    names = [Path(line).name for line in ended.stdout.splitlines()]
    assert sorted(names) == sorted(path.name for path in (project / "deploy files").iterdir())
    assert "sudo install -D -m 600 'deploy files'/My_Project.env" in ended.stderr
    environment = project / "deploy files" / "My_Project.env"
    assert environment.stat().st_mode & 0o777 == 0o600
    environment.write_text(f"REDIS_URL={SECRET}\n")
    # The same once more replaces nothing, and is no conflict.
    again = ("service", "print", "systemd", "-o", "deploy files", "--user", "me")
    cli.run(*again, code=0)
    unit = project / "deploy files" / names[0]
    unit.write_text("mine\n")
    assert "This replaces" in cli.run(*again, code=8).stderr
    assert unit.read_text() == "mine\n"
    cli.run(*again, "--yes", code=0)
    assert "[Service]" in unit.read_text()
    assert environment.read_text() == f"REDIS_URL={SECRET}\n"


def test_the_owner_of_the_project_runs_it(project: Path) -> None:
    """Unless another user is named."""
    owner = pwd.getpwuid(project.stat().st_uid).pw_name
    assert (
        f"User={owner}\n" in contents(project, "systemd")["flowerpower-My_Project-worker.service"]
    )
    named = contents(project, "systemd", user="jobs")
    assert all("User=jobs\n" in text for name, text in named.items() if name.endswith("service"))


def test_a_service_run_as_root_is_warned_of(cli: Cli, project: Path) -> None:
    """Once it is written."""
    ended = cli.run("service", "print", "systemd", "--user", "root", "-o", "deploy", code=0)
    assert "Warning: The services run as root" in ended.stderr


def test_options_reach_the_command(project: Path) -> None:
    """Jobs at once and queues; several workers are a template, whose instances are started."""
    options = {"workers": 3, "num_workers": 4, "queues": ("slow",), "grace": 3600.0}
    texts = contents(project, "systemd", **options)
    unit = texts["flowerpower-My_Project-worker@.service"]
    assert "start-worker --num-workers 4 --queues slow\n" in unit
    assert "TimeoutStopSec=3600\n" in unit
    assert "Description=flowerpower worker %i of My_Project\n" in unit
    assert contents(project, "procfile", **options)["Procfile"].splitlines()[2] == (
        "worker3: exec flowerpower job-queue start-worker --num-workers 4 --queues slow"
    )


def test_a_scheduler_runs_where_workers_fire_nothing(project: Path, make_project) -> None:
    """On Redis; on SQL only if it is asked for."""
    assert len(contents(project, "systemd")) == 3
    assert len(contents(project, "systemd", scheduler=False)) == 2
    (project / "conf" / "project.yml").write_text("name: My_Project\n")
    assert len(contents(project, "systemd")) == 2
    assert len(contents(project, "systemd", scheduler=True)) == 3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("/usr/bin/x", "a"), "/usr/bin/x a"),
        (("/a b/x", 'say "hi"'), '"/a b/x" "say \\"hi\\""'),
        (("/100%/x", "back\\slash"), '/100%%/x "back\\\\slash"'),
        (("/x", "$HOME"), ':/x "$HOME"'),
        (("/x", ";"), '/x ";"'),
        (("/it's/x", "a"), ':/bin/sh -c "exec \\"$0\\" \\"$@\\"" "/it\'s/x" a'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(words: tuple[str, ...], line: str) -> None:
    """Blanks, quotes, percent and dollar signs are what they are."""
    assert command_line(words) == line


def test_a_property_list_is_complete(project: Path) -> None:
    """A shell reads the environment file and becomes the worker; launchd keeps it alive."""
    texts = contents(project, "launchd", user="jobs", workers=2)
    assert sorted(texts) == [
        "My_Project.env", "flowerpower.My_Project.scheduler.plist",
        "flowerpower.My_Project.worker.1.plist", "flowerpower.My_Project.worker.2.plist",
    ]  # fmt: skip
    agent = plistlib.loads(texts["flowerpower.My_Project.worker.2.plist"].encode())
    assert agent["Label"] == "flowerpower.My_Project.worker.2"
    assert agent["WorkingDirectory"] == str(project)
    assert (agent["KeepAlive"], agent["RunAtLoad"], agent["ExitTimeOut"]) == (True, True, 600)
    assert agent["UserName"] == "jobs"
    shell, flag, script, file, *command = agent["ProgramArguments"]
    assert (shell, flag, file) == ("/bin/sh", "-c", "/etc/flowerpower/My_Project.env")
    assert command[-2:] == ["job-queue", "start-worker"]
    # What the shell makes of it, with another file and another program.
    (project / "values").write_text("REDIS_URL='redis://x y'\n")
    words = [shell, flag, script, str(project / "values"), "printenv", "REDIS_URL"]
    assert subprocess.check_output(words, text=True) == "redis://x y\n"


def test_containers_run_as_a_user_that_is_not_root(project: Path) -> None:
    """With a health check, a grace, and secrets from the environment; Redis keeps its data."""
    texts = contents(project, "compose", workers=2)
    services = yaml.safe_load(texts["compose.yaml"])["services"]
    assert set(services) == {"redis", "worker", "scheduler"}
    worker = services["worker"]
    assert worker["healthcheck"]["test"][1:4] == ["flowerpower", "doctor", "--check"]
    assert worker["environment"]["API_KEY"] == "${API_KEY:?set API_KEY in .env}"
    assert worker["environment"]["MODE"] == "${MODE:-}"
    assert "@redis:6379/0" in worker["environment"]["REDIS_URL"]
    assert (worker["init"], worker["stop_signal"]) == (True, "SIGTERM")
    assert worker["deploy"] == {"replicas": 2}
    assert "appendonly" in " ".join(services["redis"]["command"])
    assert "USER 10001\n" in texts["Dockerfile"]
    assert ".env" in texts[".dockerignore"].splitlines()


def test_compose_without_a_url_of_its_own_names_the_redis(project: Path) -> None:
    """By the variable that replaces the project's address; SQLite has a volume, and no Redis."""
    (project / "conf" / "project.yml").write_text("job_queue: {type: rq}\n")
    services = yaml.safe_load(contents(project, "compose")["compose.yaml"])["services"]
    assert "@redis:6379/0" in services["worker"]["environment"]["FLOWERPOWER_JOB_QUEUE_URL"]
    (project / "conf" / "project.yml").write_text("name: demo\n")
    body = yaml.safe_load(contents(project, "compose")["compose.yaml"])
    assert set(body["services"]) == {"worker"}
    assert body["services"]["worker"]["volumes"] == ["jobs:/project/.flowerpower"]
    assert "jobs" in body["volumes"]


def test_the_image_has_what_the_project_needs(project: Path) -> None:
    """Its requirements.txt, and the driver of its database."""
    (project / "conf" / "project.yml").write_text(
        "job_queue: {backend: {url: 'postgresql://db/jobs'}}\n"
    )
    (project / "requirements.txt").write_text("requests\n")
    text = contents(project, "kubernetes")["Dockerfile"]
    assert "flowerpower-cli[postgresql]==" in text
    assert text.index("COPY requirements.txt") < text.index("-r requirements.txt")


def test_kubernetes_is_refused_for_a_file(cli: Cli, project: Path) -> None:
    """Containers on other machines do not reach it."""
    (project / "conf" / "project.yml").write_text("name: demo\n")
    ended = cli.run("service", "print", "kubernetes", code=8)
    assert "SQLite file of this machine" in ended.stderr
    assert "migrate" in ended.stderr


def test_a_queue_that_is_away_is_no_reason_to_end_a_worker(project: Path) -> None:
    """The liveness probe fails with exit code 1 only; readiness with any."""
    text = contents(project, "kubernetes")["kubernetes.yaml"]
    for document in yaml.safe_load_all(text):
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        shell, flag, script = container["livenessProbe"]["exec"]["command"]
        for code, alive in ((0, True), (5, True), (4, True), (1, False)):
            tried = re.sub(r"flowerpower [^;]+", f"(exit {code})", script)
            assert (os.system(shlex.join([shell, flag, tried])) == 0) == alive
        assert pod["terminationGracePeriodSeconds"] > 30
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert document["metadata"]["name"].startswith("my-project-")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sytemd"], "Did you mean 'systemd'?"),
        (["systemd", "--workers", "0"], "--workers is 0: expected 1 to"),
        (["systemd", "--num-workers", "5000"], "--num-workers is 5000"),
        (["systemd", "--queues", "fsat"], "Did you mean 'fast'?"),
        (["systemd", "--user", "a b"], "'a b' cannot be the name of a user"),
        (["systemd", "--user", "x\nExecStart=/bin/sh"], "cannot be the name of a user"),
        (["compose", "--image", "a b"], "is not the name of a container image"),
        (["systemd", "--grace", "soon"], "soon"),
    ],
)
def test_bad_options_are_refused(arguments: list[str], words: str, cli: Cli, project: Path) -> None:
    """With exit code 2 and what would be right."""
    ended = cli.run("service", "print", *arguments, code=2)
    assert words in ended.stderr
    assert ended.stdout == ""


def test_a_folder_that_no_file_can_name_is_refused(tmp_path: Path, cli: Cli) -> None:
    """A line break would begin another setting."""
    root = tmp_path / "a\nExecStart=x"
    (root / "conf").mkdir(parents=True)
    (root / "conf" / "project.yml").write_text("name: demo\n")
    ended = cli.run("service", "print", "systemd", "--base-dir", str(root), code=2)
    assert "control characters" in ended.stderr


def test_a_queue_in_memory_is_refused(cli: Cli, project: Path) -> None:
    """As by every command that works with the queue."""
    (project / "conf" / "project.yml").write_text("job_queue: {backend: {url: memory}}\n")
    cli.run("service", "print", "systemd", code=8)
