"""A greeting, as a pipeline of upstream 0.11 reads its parameters."""

from datetime import date
from pathlib import Path

import joining
from hamilton.function_modifiers import parameterize

from flowerpower.cfg import Config

PARAMS = Config.load(Path(__file__).parents[1], pipeline_name="hello_world").pipeline.h_params


@parameterize(**PARAMS.greeting_message)
def greeting_message(message: str) -> str:
    return f"{message},"


@parameterize(**PARAMS.target_name)  # a date in YAML is one here
def target_name(name: str, since: date) -> str:
    return f"{name} ({since.year})!"


def full_greeting(greeting_message: str, target_name: str) -> str:
    return joining.joined(greeting_message, target_name)
