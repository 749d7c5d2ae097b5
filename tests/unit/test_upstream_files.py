"""Which files make a project of the upstream tool, and which come over; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.pipeline.upstream.conversion import convert_project
from flowerpower.pipeline.upstream.modules import convert_module
from flowerpower.pipeline.upstream.old_project import is_upstream, read_old_project
from tests.unit.converted import PROJECT, WITH_QUEUE, converted


def test_pipelines_in_folders_get_a_name_of_their_own() -> None:
    """`group/report.yml` is the pipeline group_report, with its module where it was."""
    made = converted(
        **{
            "conf/pipelines/group/report.yml": "params: {}\n",
            "pipelines/group/report.py": "",
            "conf/pipelines/my-own.yaml": "run: {additional_modules: a}\n",
            "pipelines/my_own.py": "",
        }
    )
    texts = {path.as_posix(): content.decode() for path, content in made.files.items()}
    assert "- pipelines.group.report" in texts["conf/pipelines/group_report.yml"]
    assert "- pipelines.a\n  - pipelines.my_own" in texts["conf/pipelines/my-own.yml"]
    assert "conf/pipelines/my-own.yaml" not in texts


def test_modules_beside_a_pipeline_are_imported_from_its_package() -> None:
    """Only those statements change; comments and all else stay byte for byte."""
    text = (
        "import helper  # ü\nimport helper as h, os\nfrom helper import (\n    x,  # why\n)\n"
        "from . import y\nimport json\n\n\ndef f():\n    import helper as h\n"
    )
    new, rows = convert_module(Path("pipelines/a.py"), text.encode(), {"helper"})
    assert new.decode() == text.replace(
        "import helper  #", "from pipelines import helper  #"
    ).replace("from helper", "from pipelines.helper").replace(
        "    import helper as h", "    from pipelines import helper as h"
    )
    assert [(row.line, row.outcome) for row in rows] == [
        (1, "converted"), (2, "left_out"), (3, "converted"), (11, "converted"),
    ]  # fmt: skip
    assert convert_module(Path("other/a.py"), text.encode(), {"helper"})[0] == text.encode()


def test_names_of_upstreams_library_are_answered() -> None:
    """Those that are not here; what modules of pipelines need is."""
    text = (
        "from flowerpower.cfg import Config\nfrom flowerpower.pipeline import PipelineManager\n"
        "from flowerpower import FlowerPowerProject\nimport flowerpower.fs\n"
        "from flowerpower.cfg.pipeline.run import RunConfig\n"
    )
    new, rows = convert_module(Path("run.py"), text.encode(), ())
    assert new == text.encode()
    assert [row.line for row in rows] == [3, 4, 5]
    assert "PipelineManager(folder)" in rows[0].advice
    assert "inputs=…" in rows[2].advice


@pytest.mark.parametrize(
    ("project", "pipeline", "answer"),
    [
        (PROJECT, "", True),
        (WITH_QUEUE, "", True),
        ("name: shop\n", "run: {with_adapter: {}}\n", True),
        ("name: shop\n", "name: a\n", True),
        ("name: shop\ntimezone: UTC\n", "run: {inputs: {}}\nparams: {name: x}\n", False),
        ("name: shop\njob_queue: {type: rq, backend: {url: 'redis://h'}}\n", "", False),
        ("name: shop\n", "run: {inptus: {}}\n", False),
        ("a: [\n", "b: [\n", False),
    ],
)
def test_a_project_of_upstreams_is_known_by_its_keys(
    project: str, pipeline: str, answer: bool
) -> None:
    """One of this tool is not taken for it, whatever its faults."""
    files = {"conf/project.yml": project, "conf/pipelines/a.yml": pipeline, "pipelines/a.py": ""}
    assert is_upstream({Path(p): text.encode() for p, text in files.items()}) is answer


def test_what_is_not_copied_is_said(tmp_path: Path) -> None:
    """Large files, links, and the variables in .env; nothing of the source is changed."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "project.yaml").write_text(PROJECT)
    (tmp_path / "data.csv").write_bytes(b"1" * 1_000_001)
    (tmp_path / "small.csv").write_text("1")
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / ".env").write_text("FP_RQ_BACKEND_PASSWORD=tulip\n")
    project = read_old_project(tmp_path)
    assert project is not None
    made = convert_project(project, "shop")
    assert sorted(made.files) == [Path("small.csv")]
    left = {row.file: row.advice for row in made.rows if row.outcome == "left_out"}
    assert left.keys() == {"data.csv", "link", ".env"}
    assert "tulip" not in str(made)


def test_many_files_of_data_are_one_row(tmp_path: Path) -> None:
    """Code is copied whole; data as far as a copy may be large."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "project.yml").write_text(PROJECT)
    (tmp_path / "data").mkdir()
    for number in range(510):
        (tmp_path / "data" / f"{number}.csv").write_text("1")
    project = read_old_project(tmp_path)
    assert project is not None
    assert len(project.files) == 501
    assert list(project.left_out) == [Path("data")]
