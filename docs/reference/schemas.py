"""JSON schemas of `conf/project.yml` and `conf/pipelines/NAME.yml`, for editors.

They allow what the files may say, which is more than what the objects hold: a duration may be text,
a list of one may be its entry, a mapping may be its shorthand, and a value may be a placeholder.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.project import ProjectConfig

PLACEHOLDER = {"type": "string", "pattern": r"^\$\{.+\}$"}
PAGE = Path(__file__).parent / "configuration.md"
NOT_IN_FILES = {"written", "declared"}
FORMS = {
    "_duration": [{"type": "string"}],
    "_ttl": [{"type": "string"}],
    "_rate": [{"type": "string"}],
    "_dates": [{"type": "string"}],
    "_nodes": [{"type": "boolean"}],
    "_progressbar": [{"type": "boolean"}],
    "_command": [],
    "_count_or_mapping": [],
}
"""What else a value may be, by the function that reads it."""
TYPES = {bool: "boolean", int: "integer", str: "string"}


def texts() -> dict[str, str]:
    """Both schemas as text, by the name of their files."""
    models = {"project": ProjectConfig, "pipeline": PipelineConfig}
    return {
        name: json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"
        for name, model in models.items()
    }


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of one file; the descriptions are those of docs/reference/configuration.md."""
    schema = model.model_json_schema(schema_generator=_OfFiles)
    _describe(schema, schema["$defs"], "", _meanings(), set())
    # An empty file means the defaults.
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "type": ["object", "null"]}


class _OfFiles(GenerateJsonSchema):
    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        function = schema["function"]["function"]
        name = getattr(function, "__name__", "")
        if inspect.ismethod(function):
            # A rule of a class, which changes nothing of its form.
            return inner
        if name in ("_listed", "_schedules"):
            entry = inner.get("items")
            return _any(inner, *([entry] if entry else []))
        if name == "<lambda>" and "shorthand" in function.__qualname__:
            kind = inspect.getclosurevars(function).nonlocals["kind"]
            return _any(inner, {"type": TYPES[kind]})
        return _any(inner, *FORMS[name])

    def dataclass_schema(
        self,
        schema: core_schema.DataclassSchema,  # noqa: ARG002 - the name that pydantic calls it by
    ) -> JsonSchemaValue:
        # A rate, of which a file has the text only.
        return {"type": "string"}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        body = super().model_schema(schema)
        body.pop("title", None)
        for name, entry in body.get("properties", {}).items():
            entry.pop("title", None)
            entry.pop("default", None)
            body["properties"][name] = _any(entry, {"type": "null"})
        for name in NOT_IN_FILES:
            body.get("properties", {}).pop(name, None)
        return body

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return _any(super().int_schema(schema), PLACEHOLDER)

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return _any(super().float_schema(schema), PLACEHOLDER)

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return _any(super().bool_schema(schema), PLACEHOLDER)

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return _any(super().literal_schema(schema), PLACEHOLDER)


def _any(*schemas: dict[str, Any]) -> dict[str, Any]:
    """Any of them, each once, as one list."""
    forms: list[dict[str, Any]] = []
    for schema in schemas:
        is_list = set(schema) == {"anyOf"}
        for form in schema["anyOf"] if is_list else [schema]:
            if form not in forms:
                forms.append(form)
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _meanings() -> dict[str, str]:
    """What the tables of the page say of each key, as plain text."""
    meanings = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if match := re.match(r"\| `([\w.]+)` \| (.*?) \| (.*) \|$", line):
            key, default, meaning = match.groups()
            text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", meaning).removesuffix("; see below")
            meanings[key] = f"{text}. Default: {default}.".replace("`", "")
    return meanings


def _describe(
    schema: dict[str, Any],
    definitions: dict[str, Any],
    prefix: str,
    meanings: dict[str, str],
    above: set[str],
) -> None:
    """Give each key that the page has its meaning there, also in the sections below."""
    for name, entry in schema.get("properties", {}).items():
        key = f"{prefix}{name}"
        if key in meanings:
            entry["description"] = meanings[key]
        for form in entry.get("anyOf", [entry]):
            target = form.get("$ref", "").removeprefix("#/$defs/")
            if target and target not in above:
                _describe(definitions[target], definitions, f"{key}.", meanings, {*above, target})
