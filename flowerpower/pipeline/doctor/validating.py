"""The process that checks pipelines for the doctor: a line of JSON for each, [NAME, [FAULT, …]]."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(root: Path, names: list[str]) -> None:
    """Check the pipelines of the project in `root`, in their order."""
    # What the modules print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from flowerpower.config.files import load_project
    from flowerpower.pipeline.execute import working_in
    from flowerpower.pipeline.registry import PipelineRegistry
    from flowerpower.pipeline.validation import find_faults

    project = load_project(root)
    registry = PipelineRegistry(project)
    with working_in(project.work):
        for name in names:
            answers.write(json.dumps([name, find_faults(project, registry, name)]) + "\n")
            answers.flush()
    # Without waiting for what the modules have started.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
