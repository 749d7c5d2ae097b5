"""Texts of a project of the upstream tool, converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flowerpower.config.project import ProjectConfig
from flowerpower.config.validation import check_as_written, validated
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.pipeline.upstream.conversion import Conversion, convert_project
from flowerpower.pipeline.upstream.new_file import yaml_text
from flowerpower.pipeline.upstream.old_project import OldProject

PROJECT = "name: shop\nhooks_dir: hooks\n"
WITH_QUEUE = "name: shop\njob_queue:\n  type: rq\n  backend: {type: redis}\n"


def converted(pipeline: str = "", project: str = PROJECT, **more: str) -> Conversion:
    files = {"conf/project.yml": project, "conf/pipelines/a.yml": pipeline, "pipelines/a.py": ""}
    texts = {**files, **more}
    return convert_project(OldProject({Path(p): t.encode() for p, t in texts.items()}), "shop")


def pipeline_of(text: str, **more: Any) -> dict[str, Any]:
    """What our file says; it is one that this tool takes."""
    content = converted(text, **more).files[Path("conf/pipelines/a.yml")]
    check_as_written(content, "a.yml")
    data: dict[str, Any] = yaml.safe_load(content)
    return data


def queue_of(text: str) -> dict[str, Any]:
    project = converted(project=f"name: shop\njob_queue: {text}\n").project
    validated(ProjectConfig, parse_yaml(yaml_text(project).encode(), "project.yml", None))
    queue: dict[str, Any] = project["job_queue"]
    return queue


def row_of(conversion: Conversion, key: str) -> tuple[str, str, str]:
    [row] = [row for row in conversion.rows if row.key == key]
    return row.outcome, row.to, row.advice
