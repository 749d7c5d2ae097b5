"""A greeting, as a pipeline of upstream 0.37 reads its parameters."""

from pathlib import Path

from hamilton.function_modifiers import parameterize

from flowerpower.cfg import Config


def _root() -> Path:
    return next(folder for folder in Path(__file__).parents if (folder / "conf").is_dir())


PARAMS = Config.load(
    _root(),
    pipeline_name="hello",
    cfg_dir="conf",
    pipelines_dir="pipelines",
).pipeline.h_params


@parameterize(**PARAMS["greeting_message"])
def greeting_message(message: str) -> str:
    return f"{message},"


@parameterize(**PARAMS["target_name"])
def target_name(name: str, ending: str) -> str:
    return f"{name}{ending}"


def full_greeting(greeting_message: str, target_name: str) -> str:
    return f"{greeting_message} {target_name}"
