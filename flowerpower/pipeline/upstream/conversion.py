"""A whole project of upstream's as one of ours: its files, and a row for each setting in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowerpower.config.files import pipeline_path
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.project import ProjectConfig
from flowerpower.pipeline.upstream.adapters import convert_project_adapters
from flowerpower.pipeline.upstream.job_queue import convert_job_queue
from flowerpower.pipeline.upstream.modules import convert_module, siblings
from flowerpower.pipeline.upstream.new_file import yaml_text
from flowerpower.pipeline.upstream.old_file import OldFile, Section, read_old_file
from flowerpower.pipeline.upstream.old_project import PROJECT_FILES, OldProject, config_files
from flowerpower.pipeline.upstream.our_settings import bring_over
from flowerpower.pipeline.upstream.placeholders import with_our_placeholders
from flowerpower.pipeline.upstream.report import Row, in_order
from flowerpower.pipeline.upstream.run_section import convert_run
from flowerpower.pipeline.upstream.schedule import convert_schedule
from flowerpower.text import is_name

_OTHER_TYPE = "another type of job queue was asked for."
_HOOKS = "a hook of upstream's MQTT client: it is copied, and nothing calls it here."


@dataclass(frozen=True)
class Conversion:
    """A converted project: `project` is what its conf/project.yml says, `files` are all others.

    The name is not in `project`, nor a time zone that the old project does not have.
    """

    project: dict[str, Any]
    files: dict[Path, bytes]
    rows: list[Row] = field(default_factory=list)


def convert_project(project: OldProject, name: str, backend: str | None = None) -> Conversion:
    """The project of upstream's as one of ours called `name`; a `backend` replaces the old one.

    Raises:
        ConfigError: if a YAML file of it cannot be read.
    """
    files = project.files
    path = next(known for known in PROJECT_FILES if known in files)
    old = read_old_file(files[path], path.as_posix())
    # Upstream had a job queue up to 0.20, and reads placeholders in later versions only.
    interpolated = "job_queue" not in old.data
    old, rows = with_our_placeholders(old, interpolated=interpolated)
    data, more = _project(old, name, backend)
    rows += more
    rows += [
        Row(left.as_posix(), None, "", "left_out", advice=why)
        for left, why in project.left_out.items()
    ]
    new: dict[Path, bytes] = {}
    sources = {path, *PROJECT_FILES}
    for pipeline, source in config_files(files):
        sources.add(source)
        target = pipeline_path(our_name(pipeline))
        config = read_old_file(files[source], source.as_posix())
        if not is_name(our_name(pipeline)) or target in new:
            rows.append(Row(config.name, None, "", "left_out", advice=_no_name(pipeline, target)))
            continue
        config, notes = with_our_placeholders(config, interpolated=interpolated)
        settings, more = _pipeline(config, pipeline, files)
        new[target] = yaml_text(settings).encode()
        rows += [*more, *notes]
    names = siblings(list(files))
    for source, content in files.items():
        if source in sources or source in new:
            continue
        new[source] = content
        if source.suffix == ".py":
            new[source], more = convert_module(source, content, names)
            rows += more
        if source.parts[0] == "hooks":
            rows.append(Row(source.as_posix(), None, "", "left_out", advice=_HOOKS))
    return Conversion(data, new, in_order(rows))


def our_name(pipeline: str) -> str:
    """The name of upstream's pipeline here: `group.report` is `group_report`."""
    return pipeline.replace(".", "_")


def _no_name(pipeline: str, target: Path) -> str:
    if not is_name(our_name(pipeline)):
        return f"a pipeline cannot be called {pipeline!r}: rename the file."
    return f"another pipeline is {target.as_posix()}: rename the file."


def _project(old: OldFile, name: str, backend: str | None) -> tuple[dict[str, Any], list[Row]]:
    top = Section(old)
    old_name = top.take("name")
    if old_name == name:
        top.say("name", "converted", "name")
    else:
        top.say("name", "converted", "name", f"it is called {name} here, as its folder.")
    queue, rows = convert_job_queue(old)
    if backend not in (None, queue["type"]):
        # The address is that of the other kind of queue.
        queue = {**queue, "type": backend}
        queue.pop("backend", None)
        rows = [replace(row, outcome="not_needed", to="", advice=_OTHER_TYPE) for row in rows]
    top.take("job_queue")
    adapter, more = convert_project_adapters(Section(old, ("adapter",)))
    top.take("adapter")
    top.not_needed("hooks_dir")
    data: dict[str, Any] = {"job_queue": queue}
    if adapter:
        data["adapter"] = adapter
    return data, bring_over(ProjectConfig, data, old, [*top.close(), *rows, *more])


def _pipeline(
    old: OldFile, name: str, files: Mapping[Path, bytes]
) -> tuple[dict[str, Any], list[Row]]:
    top = Section(old)
    stored = top.take("name")
    renamed = stored not in (None, name) or name != our_name(name)
    advice = f"a pipeline is called as its file: {our_name(name)}." if renamed else ""
    top.say("name", "left_out" if renamed else "not_needed", advice=advice)
    rows: list[Row] = []
    modules = _modules(old, name, files, rows)
    run, more = convert_run(old, has_blocks=_have_blocks(modules, files))
    rows += more
    if modules != [f"pipelines.{our_name(name)}"]:
        run = {"modules": modules, **run}
    schedule, more = convert_schedule(Section(old, ("schedule",)))
    for key in ("run", "schedule", "adapter"):
        top.take(key)
    params = top.moved("params", "params")
    settings = {"run": run, "schedule": schedule, "params": params}
    data = {key: value for key, value in settings.items() if value}
    return data, bring_over(PipelineConfig, data, old, [*rows, *more, *top.close()])


def _modules(old: OldFile, name: str, files: Mapping[Path, bytes], rows: list[Row]) -> list[str]:
    """The modules of the pipeline's DAG."""
    run = old.data.get("run")
    more = run.get("additional_modules") if isinstance(run, dict) else None
    # Upstream puts them before the pipeline's own.
    listed = [more] if isinstance(more, str) else more if isinstance(more, list) else []
    modules = [_module(str(entry), files) for entry in listed]
    if more is not None:
        path = ("run", "additional_modules")
        rows.append(
            old.row(path, "converted" if listed else "not_needed", "run.modules" if listed else "")
        )
    return list(dict.fromkeys([*modules, _module(name, files)]))


def _have_blocks(modules: list[str], files: Mapping[Path, bytes]) -> bool:
    """Whether a node of the modules declares Parallelizable."""
    # An import of it is in every module that upstream makes.
    contents = [content for module in modules for content in _texts_of(module, files)]
    return any(b"Parallelizable[" in content for content in contents)


def _texts_of(module: str, files: Mapping[Path, bytes]) -> list[bytes]:
    path = Path(*module.split("."))
    paths = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return [files[found] for found in paths if found in files]


def _module(name: str, files: Mapping[Path, bytes]) -> str:
    """The module that upstream imports for a name: of the pipelines first, with `_` for `-`."""
    plain = name.replace("-", "_")
    for candidate in (f"pipelines.{plain}", f"pipelines.{name}", name, plain):
        if all(candidate.split(".")) and _texts_of(candidate, files):
            return candidate
    return f"pipelines.{name}"
