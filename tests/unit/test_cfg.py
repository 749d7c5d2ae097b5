"""`flowerpower.cfg`, which modules of upstream's projects import."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from hamilton.function_modifiers import source, value

from flowerpower.cfg import Config, PipelineConfig, ProjectConfig, load
from flowerpower.errors import ConfigError
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject

MODULE = """
from pathlib import Path
from flowerpower.cfg import Config
from hamilton.function_modifiers import parameterize

PARAMS = Config.load(Path(__file__).parents[1], pipeline_name="a").pipeline.h_params

@parameterize(**PARAMS.greeting)
def greeting(word: str) -> str:
    return word + "!"
"""


def _params(word: str) -> str:
    return f"params: {{greeting: {{word: {word}}}}}\nrun: {{cache: true}}\n"


def test_parameters_are_as_upstream_makes_them(make_project: MakeProject) -> None:
    """For `@parameterize`: values of arguments, and sources where a parameter is named."""
    root = make_project(
        a=(
            "params:\n  size: 3\n  node: {x: 1, y: size, z: {deep: 2}, when: 2024-02-29}\n"
            "  text: '2024-02-29'\n",
            "",
        )
    )
    config = Config.load(root, "any name", pipeline_name="a", cfg_dir="conf", pipelines_dir="x")
    assert config.pipeline.params.node.z.deep == 2
    assert config.pipeline.params["text"] == "2024-02-29"
    assert config.pipeline.h_params == {
        "size": {"size": 3},
        "node": {
            "node": {
                "x": value(1),
                "y": source("size"),
                "z": value({"deep": 2}),
                "when": value(dt.date(2024, 2, 29)),
            }
        },
        "text": {"text": "2024-02-29"},
    }
    assert config.project.name == "demo"
    assert load(root, pipeline_name="a") == config


def test_variables_are_read_by_our_rules(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the environment, where one is needed, or else from the default."""
    monkeypatch.setenv("WORD", "hi")
    root = make_project(a=("params: {g: '${WORD}', h: '${NONE:-x}'}\n", ""))
    assert PipelineConfig.load(root, "a").params == {"g": "hi", "h": "x"}


def test_a_project_and_no_pipeline(make_project: MakeProject) -> None:
    """Without a name there are no parameters."""
    root = make_project("name: demo\nadapter: {mlflow: {tracking_uri: 'http://m'}}\n")
    assert Config.load(root).pipeline.params == {}
    assert ProjectConfig.load(root).adapter.mlflow.tracking_uri == "http://m"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"pipeline_name": "b"}, ConfigError, "conf/pipelines/b.yml: cannot be read"),
        ({"pipeline_name": "../x"}, ConfigError, "is not the name of a pipeline"),
        ({"storage_options": {"key": "x"}}, ConfigError, "a folder of this machine"),
        ({"pipeline": "a"}, TypeError, "no argument 'pipeline'"),
    ],
)
def test_what_cannot_be_loaded_is_said(
    make_project: MakeProject, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """Nothing is empty in silence."""
    with pytest.raises(error, match=text):
        Config.load(make_project(a=("", "")), **options)


def test_a_parameter_that_is_not_there(make_project: MakeProject) -> None:
    """The nearest is named, in the fault of the pipeline too."""
    module = MODULE.replace("PARAMS.greeting", "PARAMS.greting")
    root = make_project(a=(_params("hello"), module))
    assert "Did you mean 'greeting'?" in "".join(PipelineManager(root).validate("a"))


def test_a_parameter_that_was_edited_counts(make_project: MakeProject) -> None:
    """In the next run of this process, and although the node is in the cache."""
    root = make_project(a=(_params("hello"), MODULE))
    manager = PipelineManager(root)
    assert manager.run("a") == {"greeting": "hello!"}
    assert manager.run("a") == {"greeting": "hello!"}
    file = root / "conf" / "pipelines" / "a.yml"
    file.write_text(_params("goodbye"))
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000))
    assert manager.run("a") == {"greeting": "goodbye!"}
