"""What docs/reference has from the code is what the code says, and its schemas take what we take."""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator

from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import FlowerpowerError
from tests.docs.test_configuration_blocks import BLOCKS, Block

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
FILES = [
    *(ROOT / "tests").glob("*/project/conf/**/*.yml"),
    *(ROOT / "examples").glob("*/conf/**/*.yml"),
]


def _is_of_a_project(block: Block) -> bool:
    words = ("services:", "apiVersion:", "jobs:")
    return block.label == "yaml" and not any(word in block.content for word in words)


YAML_BLOCKS = [block for block in BLOCKS if _is_of_a_project(block)]


@cache
def _made() -> dict[str, str]:
    place = REFERENCE / "make.py"
    spec = importlib.util.spec_from_file_location("make_reference", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[str, str] = module.files()
    return files


def test_what_comes_from_the_code_is_up_to_date() -> None:
    """`make reference` would change nothing."""
    for name, content in _made().items():
        assert (REFERENCE / name).read_text("utf-8") == content, f"{name}: say `make reference`"


def test_every_exit_code_of_an_error_has_its_row() -> None:
    """The table of exit codes names those of all errors."""
    page = (REFERENCE / "exit-codes.md").read_text("utf-8")
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    def codes(kind: type[FlowerpowerError]) -> set[int]:
        return {kind.exit_code}.union(*map(codes, kind.__subclasses__()))

    assert codes(FlowerpowerError) <= rows


@cache
def _validator(kind: str) -> Validator:
    schema = json.loads((REFERENCE / "schema" / f"{kind}.json").read_text("utf-8"))
    # Which takes longer than to check a file by it.
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _validator_of(data: Any, name: str) -> Validator:
    is_project = name == "project.yml" or set(data or {}) & {"job_queue", "limits", "name"}
    return _validator("project" if is_project else "pipeline")


def _as_written(content: str, name: str) -> Any:
    """What an editor sees: placeholders are text."""
    return parse_yaml(content.encode(), name, None).root.plain()


def _check(content: str, name: str) -> None:
    data = _as_written(content, name)
    _validator_of(data, name).validate(data)


def test_the_schemas_take_the_files_of_projects() -> None:
    """Those of the example, and of the projects of the tests."""
    assert len(FILES) > 50
    for file in FILES:
        _check(file.read_text("utf-8"), file.name)


@pytest.mark.parametrize("block", YAML_BLOCKS, ids=lambda block: block.place)
def test_the_schemas_take_what_the_pages_show(block: Block) -> None:
    """Each block of YAML that is configuration."""
    _check(block.content, block.place)


@pytest.mark.parametrize(
    "content",
    [
        "job_queue: {num_workers: '${WORKERS}', history_ttl: 7d, result_ttl: -1}",
        "limits: {api: 2, mail: {per: 60/1m}}",
        "adapter: {progressbar: tqdm, print: true, custom: [a.b:C]}",
        "run: {timeout: 5m, load: {a: x.csv}, save: {a: [x.csv, {path: y.json}]}, cache: true}",
        "schedule: {cron: 0 8 * * *, except: 2026-12-24, jitter: 90}",
        "after: {pipeline: report, on: end}\nnotify: {on: failed, to: {command: [a, b]}}",
        "run:\nparams: {a: 1}",
    ],
)
def test_a_schema_takes_every_form(content: str) -> None:
    """Text for a duration, shorthands, one entry in place of a list, placeholders, no value."""
    data = _as_written(content, "file.yml")
    is_project = set(data) & {"job_queue", "limits", "adapter"}
    _validator("project" if is_project else "pipeline").validate(data)


@pytest.mark.parametrize(
    "content",
    [
        "name: shop\njob_queu: {}",
        "job_queue: {type: redis}",
        "job_queue: {num_workers: 0}",
        "run: {timeout: [1]}",
        "schedule: {crn: x}",
        "run: {executor: {type: threads}}",
        "schedule: {cron: 0 8 * * *, run: {written: {}}}",
    ],
)
def test_a_schema_refuses_what_we_refuse(content: str) -> None:
    """Unknown keys, wrong choices, numbers out of range, wrong types."""
    with pytest.raises(jsonschema.ValidationError):
        _check(content, "file.yml")


def test_an_editor_shows_what_a_key_means() -> None:
    """The descriptions come from the page of the configuration."""
    workers = _validator("project").schema["$defs"]["JobQueueConfig"]["properties"]["num_workers"]
    assert workers["description"].startswith("how many jobs one worker runs at the same time")
