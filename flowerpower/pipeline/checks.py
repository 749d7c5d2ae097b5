"""What a run would refuse is refused before a job or a schedule is stored, in the same words.

The answer of a run's own plan counts. It imports the pipeline, so a call that was planned without
an error is kept, and one like it is accepted by `pipeline.signature` while nothing has changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flowerpower.config.file_stamps import file_stamp
from flowerpower.config.files import Project, load_project, pipeline_path
from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import FlowerpowerError, InvalidInputs
from flowerpower.jobs.inputs import encode_input
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.signature import (
    UNUSED,
    Call,
    call_key,
    keep_call,
    read_call,
    stamps_of_configuration,
    type_from_json,
    type_to_json,
    variables_in,
)
from flowerpower.text import MASK
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.jobs.job_spec import JobSpec
    from flowerpower.jobs.schedule import ScheduleSpec
    from flowerpower.run.plan import Plan

Spec = TypeVar("Spec", bound="JobSpec | ScheduleSpec")
_UNUSED: Any = object()
"""In place of the type of an input that the run does not need."""
_PLAIN_TYPES = (str, int, float, bool)


def checked_spec(
    project: Project,
    registry: PipelineRegistry,
    spec: Spec,
    *,
    is_fire: bool = False,
    is_due: bool = False,
) -> Spec:
    """The request with its overrides as they are stored; see `checked_overrides`."""
    overrides = checked_overrides(
        project, registry, spec.pipeline, spec.overrides,
        is_fire=is_fire, is_due=is_due, after=getattr(spec, "after", ()),
    )  # fmt: skip
    return replace(spec, overrides=overrides)


def checked_overrides(
    project: Project,
    registry: PipelineRegistry,
    name: str,
    overrides: RunOverrides,
    *,
    is_fire: bool,
    is_due: bool,
    after: Sequence[str] = (),
) -> RunOverrides:
    """The overrides of a job as they are stored, if a run would take them.

    Every value is JSON, and a run that reads it again gets what a run here would have. `is_fire`
    says that the runs are given the times of fires, and `after` are the parents of the job. Files
    to load must exist if the job `is_due`; before a later one, they may still be made. Variables of
    the environment that the YAML names may be set for the workers alone.

    Raises:
        FlowerpowerError: as `PipelineManager.run` before anything runs.
    """
    key = call_key(overrides, is_fire=is_fire, parents=len(after))
    call = read_call(project.root, name, registry.environ, key)
    if call is not None and (not is_due or _exist(project.work, call.files, overrides)):
        try:
            return _as_stored(overrides, lambda node: _kept_type(call, node))
        except (ValueError, LookupError, TypeError, FlowerpowerError):
            # Perhaps a type that only the module knows. If not, the plan says what is wrong.
            pass
    return _check_by_plan(
        project, registry, name, overrides, key, is_fire=is_fire, is_due=is_due, after=after
    )


def _check_by_plan(
    project: Project,
    registry: PipelineRegistry,
    name: str,
    overrides: RunOverrides,
    key: str,
    *,
    is_fire: bool,
    is_due: bool,
    after: Sequence[str],
) -> RunOverrides:
    from flowerpower.pipeline.execute import plan_run
    from flowerpower.run.file_checks import check_files_exist
    from flowerpower.run.preload import imported

    stamps = stamps_of_configuration(project.root, name)
    fire_time = clock.now() if is_fire else None
    unset = variables_in(project.root / pipeline_path(name)) - registry.environ.keys()
    # A secret may be known to the workers alone: its placeholder stands for it here.
    stand_ins = {variable: f"${{{variable}}}" for variable in unset}
    readable = PipelineRegistry(project, {**registry.environ, **stand_ins})
    try:
        plan = plan_run(
            project, readable.get(name), overrides, scheduled_for=fire_time, after=after
        )
        loaded = {node.name for node in plan.nodes} & plan.run.load.keys()
        if is_due:
            check_files_exist(plan.dag.files, loaded)
    except FlowerpowerError as error:
        # The name of a secret masks its stand-in too.
        if not stand_ins or not any(mark in str(error) for mark in (MASK, *stand_ins.values())):
            raise
        # What is wrong is the stand-in: only a worker can tell whether the value is right.
        stored = _as_stored(overrides, lambda _: _UNUSED)
        return stored.with_changes(written=overrides.written)
    types = _declared_types(plan, overrides)
    stored = _as_stored(overrides, types.__getitem__)
    code = _stamps_of_code()
    # A project's configuration is read when its manager is made, which may be long ago.
    is_current = load_project(project.root, registry.environ).config == project.config
    if code is not None and is_current:
        kept = {node: _type_to_keep(declared) for node, declared in types.items()}
        paths = {node: plan.run.load[node].path for node in loaded}
        local = {node: path for node, path in paths.items() if "://" not in path}
        call = Call(kept, local)
        keep_call(project.root, name, registry.environ, key, call, stamps | code, imported())
    return stored


def _stamps_of_code() -> dict[str, tuple[int, int] | None] | None:
    """Of the project's code that was imported, and of Hamilton's version; None if one is newer."""
    from hamilton import version

    from flowerpower.run.modules import imported_code

    code = imported_code()
    return None if code is None else {**code, version.__file__: file_stamp(version.__file__)}


def _declared_types(plan: Plan, overrides: RunOverrides) -> dict[str, Any]:
    nodes = plan.dag.driver.graph.nodes
    types = {name: nodes[name].type for name in overrides.overrides}
    for name in overrides.inputs:
        types[name] = nodes[name].type if name in plan.input_values else _UNUSED
    return types


def _type_to_keep(declared: Any) -> Any:
    return UNUSED if declared is _UNUSED else type_to_json(declared)


def _kept_type(call: Call, node: str) -> Any:
    kept = call.types[node]
    return _UNUSED if kept == UNUSED else type_from_json(kept)


def _exist(root: Path, files: Mapping[str, str], overrides: RunOverrides) -> bool:
    paths = [overrides.load.get(node, path) for node, path in files.items()]
    return all((root / Path(path).expanduser()).is_file() for path in paths)


def _as_stored(overrides: RunOverrides, type_of: Callable[[str], Any]) -> RunOverrides:
    """The overrides with values that are JSON, and without the texts that they were written as.

    Raises:
        ValueError: if a value does not fit its type.
        InvalidInputs: if JSON has nothing that would be read as the same value again.
    """
    update: dict[str, Any] = {"written": {}}
    for part in ("inputs", "overrides"):
        update[part] = {
            name: _value_as_stored(
                value, type_of(name), overrides.written.get(name), f"{part}.{name}"
            )
            for name, value in getattr(overrides, part).items()
        }
    return overrides.with_changes(**update)


def _value_as_stored(value: Any, declared: Any, text: str | None, path: str) -> Any:
    stored = encode_input(value, path)
    # What is of the type already is taken as it is, and most inputs are; to convert needs pydantic.
    if declared is _UNUSED or (declared in _PLAIN_TYPES and type(value) is declared):
        return stored
    from flowerpower.run.conversion import choose_and_convert, convert_value

    chosen, converted = choose_and_convert(value, declared, text)
    if _is_json(chosen):
        return chosen
    with contextlib.suppress(ValueError):
        if _is_same(convert_value(stored, declared), converted):
            return stored
    raise InvalidInputs(
        f"{path} is a {type(value).__name__}, and would be another value for a job, which reads "
        "it from JSON by the type that the pipeline declares.",
        hint="Declare its type in the pipeline, or pass what JSON can hold.",
    )


def _is_json(value: Any) -> bool:
    """Whether it is read from JSON as it is, and so by a job as by a run."""
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str and _is_json(item) for key, item in value.items())
    return type(value) in (str, int, float, bool, type(None))


def _is_same(value: Any, other: Any) -> bool:
    try:
        return type(value) is type(other) and bool(value == other)
    except Exception:  # noqa: BLE001 - a comparison of the user's own class
        return False
