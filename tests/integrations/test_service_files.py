"""The files of `service print`, by those who know better: systemd, Kubernetes' and Compose's schemas."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.services.deployment import ServiceOptions, make_deployment
from flowerpower.pipeline.services.kinds import service_files
from tests.integrations.programs import file_of_wheel, of_debian

FOLDERS = [
    "plain",
    "with a blank",
    "with \"quotes\" and 'others'",
    "100%n of $HOME",
    "back\\slash",
    "semicolon;",
    "naïve-ü",
]
"""Names of folders that a project may be in; each stands in the unit as it is."""


@pytest.fixture
def contents(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The files of a kind for a project in a folder of that name."""

    def make(kind: str, folder: str = "plain", **options: object) -> dict[str, str]:
        root = tmp_path / folder / "project"
        (root / "conf").mkdir(parents=True, exist_ok=True)
        (root / "conf" / "project.yml").write_text(
            "name: my_project\njob_queue: {type: rq, backend: {url: '${REDIS_URL}'}}\n"
        )
        manager = PipelineManager(root, quiet=True, environ={"REDIS_URL": "redis://h:1/0"})
        made = ServiceOptions(**options)  # type: ignore[arg-type]
        project, registry, queue = manager.project, manager.registry, manager.job_queue
        deployment = make_deployment(project, registry, queue, made)
        # In the same folder, so that its path has to be quoted too.
        program = root / "flowerpower"
        program.touch(0o755)
        deployment = replace(deployment, program=(str(program),))
        return {file.name: file.content for file in service_files(kind, deployment)}

    return make


def verify(folder: Path, texts: dict[str, str]) -> str:
    """What systemd-analyze says of units; empty if it has nothing to say."""
    program, environ = of_debian("systemd-analyze", "systemd", "libsystemd-shared")
    folder.mkdir(parents=True)
    units = []
    for name, text in texts.items():
        if name.endswith(".service"):
            (folder / name).write_text(text)
            # A template is verified by one of its instances.
            units.append(str(folder / name.replace("@", "@1")))
    # Its own units are beside it, where it was unpacked.
    own = Path(program).parents[1] / "lib" / "systemd" / "system"
    done = subprocess.run(
        [program, "verify", "--man=no", *units],
        env={**os.environ, **environ, "SYSTEMD_UNIT_PATH": f"{folder}:{own}:"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    # Not its exit code: that is 0 if a value that it cannot read is ignored.
    return done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_systemd_takes_the_units(
    folder: str, contents: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """Without a word, whatever the project's folder is called."""
    texts = contents("systemd", folder, user="root", workers=2, num_workers=4)
    assert verify(tmp_path / "units", texts) == ""


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("KillMode=mixed", "KillMode=mixed   # to the worker alone", "Failed to parse kill mode"),
        ("OOMPolicy=continue", "OOMPolicy=go-on", "Failed to parse OOM policy"),
        ("Type=exec", "Typ=exec", "Unknown key 'Typ'"),
        ("ExecStart=/", "ExecStart=/nowhere/", "is not executable"),
    ],
)
def test_a_wrong_unit_is_found(
    line: str, wrong: str, said: str, contents: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """A comment behind a value is part of it, which is what the pages said once."""
    texts = contents("systemd", user="root")
    changed = {name: text.replace(line, wrong) for name, text in texts.items()}
    assert said in verify(tmp_path / "units", changed)


def test_kubernetes_takes_the_manifest(contents: Callable[..., dict[str, str]]) -> None:
    """Strictly: a key that it does not know is an error; in its oldest and newest known version."""
    documents = list(yaml.safe_load_all(contents("kubernetes", workers=2)["kubernetes.yaml"]))
    assert [document["kind"] for document in documents] == ["Deployment", "Deployment"]
    for document in documents:
        for version in ("1.25", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(document, version, strict=True)
        document["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(document, "1.25", strict=True)


def test_compose_takes_the_file(contents: Callable[..., dict[str, str]]) -> None:
    """By the schema of docker-compose 1.29, the last one in Python, which knows no `name` yet."""
    schema = json.loads(file_of_wheel("docker-compose==1.29.2", "compose/config/compose_spec.json"))
    validator = jsonschema.Draft7Validator(schema)
    for options in ({}, {"workers": 2, "num_workers": 4, "scheduler": False}):
        body = yaml.safe_load(contents("compose", **options)["compose.yaml"])
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", body.pop("name"))
        validator.validate(body)
        body["services"]["worker"]["stop_grace_perod"] = "1m"
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(body)
