"""Writing YAML that our reader reads as it was meant."""

from __future__ import annotations

from typing import Any

import yaml

from flowerpower.config.yaml_scalars import typed


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    # PyYAML reads YAML 1.1, where `1e5` and `0o17` are text.
    style = None if isinstance(typed(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def yaml_text(data: dict[str, Any]) -> str:
    """The mapping as YAML, its keys in the order in which they stand."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
