"""`run.load`, `run.save`, --load and --save, as people use them."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest

from flowerpower.errors import ConfigError, InvalidInputs, RunFailed
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.terminal import Cli

CONFIG = """\
run:
  load:
    sales: data/sales.csv
  save:
    by_region: [output/by_region.csv, output/by_region.json]
    total: output/total.json
    letter: output/letter.txt
"""
MODULE = """\
import pandas as pd

def by_region(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.groupby("region", as_index=False)["amount"].sum()

def total(by_region: pd.DataFrame) -> float:
    return float(by_region["amount"].sum())

def letter(total: float) -> str:
    return f"We sold for {total}."

def pair(total: float, letter: str) -> tuple:
    return total, letter
"""
SALES = "region,amount\nnorth,1\nsouth,2\nnorth,3\n"


@pytest.fixture
def project(cli: Cli, make_project: MakeProject) -> Path:
    """A project that reads sales and writes what they come to."""
    root = make_project(report=(CONFIG, MODULE))
    (root / "data").mkdir()
    (root / "data" / "sales.csv").write_text(SALES)
    return root


def test_files_are_read_and_written(project: Path, cli: Cli) -> None:
    """A run reads its tables and writes its results, from whichever folder it is started."""
    (project / "deep").mkdir()
    inner = Cli(project / "deep", cli.home)
    ran = inner.run("pipeline", "run", "report", "--json", code=0)
    written = project / "output"
    assert (written / "by_region.csv").read_text() == "region,amount\nnorth,4\nsouth,2\n"
    assert json.loads((written / "by_region.json").read_text())["amount"] == {"0": 4, "1": 2}
    assert (written / "total.json").read_text() == "6.0\n"
    assert (written / "letter.txt").read_text() == "We sold for 6.0."
    assert sorted(path.name for path in written.iterdir()) == [
        "by_region.csv", "by_region.json", "letter.txt", "total.json",
    ]  # fmt: skip
    assert ran.json["files"][0] == {
        "nodes": ["by_region"], "format": "csv", "path": str(written / "by_region.csv"), "size": 30,
    }  # fmt: skip
    assert ran.json["outputs"] == {"pair": [6.0, "We sold for 6.0."]}


def test_a_job_reads_and_writes_as_a_run_does(project: Path, cli: Cli) -> None:
    """--save of a job is kept relative to the project, and its result tells of the files."""
    cli.run("job-queue", "add-job", "report", "--save", "total=t.json", "--job-id", "j", code=0)
    shown = cli.run("job-queue", "show-job", "j", "--json", code=0).json
    assert shown["overrides"] == {"save": {"total": "t.json"}}
    cli.run("job-queue", "start-worker", "--burst", code=0)
    waited = cli.run("job-queue", "wait", "j", code=0)
    assert (project / "t.json").read_text() == "6.0\n"
    assert f"Wrote {project / 't.json'} (total as json)." in waited.stderr


def test_flags_read_and_write_from_the_callers_folder(project: Path, cli: Cli) -> None:
    """--load and --save go over the YAML, and their paths are relative to where one is."""
    inner = Cli(project / "data", cli.home)
    (project / "data" / "few.tsv").write_text("region\tamount\nwest\t5\n")
    inner.run(
        "pipeline", "run", "report", "--load", "sales=few.tsv", "--save", "total=few.json", code=0
    )
    assert (project / "data" / "few.json").read_text() == "5.0\n"
    assert not (project / "output" / "total.json").exists()


def test_a_value_of_the_caller_goes_over_a_file(project: Path) -> None:
    """What Python gives for a node that the YAML loads is taken, and the file is not read."""
    import pandas as pd

    (project / "data" / "sales.csv").unlink()
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text("run: {load: {sales: data/sales.csv}}")
    sales = pd.DataFrame({"region": ["east"], "amount": [7]})
    manager = PipelineManager(project, quiet=True)
    assert manager.run("report", inputs={"sales": sales}, final_vars="total") == {"total": 7.0}
    assert manager.run("report", overrides={"total": 8}, final_vars="letter") == {
        "letter": "We sold for 8.0."
    }


def test_a_dry_run_tells_of_files(project: Path, cli: Cli) -> None:
    """--dry-run says what would be read and written, and writes nothing."""
    ran = cli.run("pipeline", "run", "report", "--dry-run", code=0)
    assert "Would read data/sales.csv (sales)" in ran.stdout
    assert "Would write output/by_region.csv (by_region)" in ran.stdout
    assert not (project / "output").exists()


def test_a_missing_file_is_told_before_anything_runs(project: Path, cli: Cli) -> None:
    """All files that are missing are told at once, with exit code 2."""
    (project / "data" / "sales.csv").unlink()
    ran = cli.run("pipeline", "run", "report", code=2)
    assert f"sales: there is no file {project / 'data' / 'sales.csv'}" in ran.stderr
    assert not (project / "output").exists()


def test_a_failed_write_leaves_the_old_file(project: Path, cli: Cli) -> None:
    """A file is written whole or not at all."""
    (project / "output").mkdir()
    old = project / "output" / "total.json"
    old.write_text("old")
    module = project / "pipelines" / "report.py"
    module.write_text(MODULE.replace("float(by_region", "object() or (by_region"))
    ran = cli.run("pipeline", "run", "report", "--override", "letter=x", code=6)
    assert "save.total" in ran.stderr
    assert "cannot be written as JSON" in ran.stderr
    assert old.read_text() == "old"
    assert [path.name for path in old.parent.glob(".flowerpower*")] == []


def test_pickles_of_ones_own_making_come_back(project: Path) -> None:
    """A pickle that a run wrote is read by the next; one from elsewhere is refused."""
    import pickle

    manager = PipelineManager(project, quiet=True)
    manager.run("report", save={"pair": project / "pair.pkl"})
    got = manager.run("report", load={"pair": project / "pair.pkl"}, final_vars="pair")
    assert got == {"pair": (6.0, "We sold for 6.0.")}
    (project / "pair.pkl").write_bytes(pickle.dumps((1, 2)))
    with pytest.raises(RunFailed, match="not a pickle that this project has written"):
        manager.run("report", load={"pair": project / "pair.pkl"}, final_vars="pair")


def test_several_nodes_go_into_one_file(project: Path) -> None:
    """`nodes` put several nodes together: as columns of a table, or by name in JSON."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(
        "run:\n  load: {sales: data/sales.csv}\n  save:\n"
        "    both: {path: both.json, nodes: [total, letter]}\n"
        "    table: {path: table.csv, nodes: [total, letter]}\n"
    )
    PipelineManager(project, quiet=True).run("report")
    result = {"total": 6.0, "letter": "We sold for 6.0."}
    assert json.loads((project / "both.json").read_text()) == result
    assert (project / "table.csv").read_text() == "total,letter\n6.0,We sold for 6.0.\n"


@pytest.mark.parametrize(
    ("save", "message"),
    [
        ("total: x.parquet", "total (float) cannot be written as parquet"),
        ("total: x.foo", "cannot be written to a file that ends in '.foo'"),
        ("totl: x.json", "run.save names 'totl', which is not a node of the pipeline. Did you mean 'total'?"),
        ("by_region: {path: x, format: cvs}", "Did you mean 'csv'?"),
        ("by_region: {path: x.csv, options: {seb: ';'}}", "takes no option 'seb'. Did you mean 'sep'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_told_before(project: Path, save: str, message: str) -> None:
    """A format that does not serve a node's type, and options it does not know, are refused."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(f"run:\n  load: {{sales: data/sales.csv}}\n  save:\n    {save}\n")
    with pytest.raises(ConfigError) as caught:
        PipelineManager(project, quiet=True).run("report")
    assert message in str(caught.value)
    assert "formats" in str(caught.value.hint) or "option" in message or "node" in message


def test_a_node_cannot_be_given_twice(project: Path) -> None:
    """A value and a file for one node is an error that names it."""
    manager = PipelineManager(project, quiet=True)
    with pytest.raises(InvalidInputs, match="total: given both as a value and as a file"):
        manager.run("report", overrides={"total": 1}, load={"total": "x.json"})


def test_options_reach_the_format(project: Path) -> None:
    """`options` are those of Hamilton's loader and saver."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(
        "run:\n  load: {sales: {path: data/sales.txt, format: csv, options: {sep: ';'}}}\n"
        "  save: {by_region: {path: x.csv, options: {sep: '|', index: true}}}\n"
    )
    (project / "data" / "sales.txt").write_text(SALES.replace(",", ";"))
    PipelineManager(project, quiet=True).run("report")
    assert (project / "x.csv").read_text() == "|region|amount\n0|north|4\n1|south|2\n"


def test_json_is_read_as_what_the_node_declares(project: Path, cli: Cli) -> None:
    """A JSON file that holds something else is told with what is declared."""
    (project / "total.json").write_text('"much"')
    load = ("--load", "total=total.json", "--final-vars", "letter")
    ran = cli.run("pipeline", "run", "report", *load, code=2)
    assert "total.json holds the text 'much', where float is declared" in ran.stderr
    (project / "total.json").write_text("7")
    assert cli.run("pipeline", "run", "report", *load, "--json").json["outputs"] == {
        "letter": "We sold for 7.0."
    }


def test_a_table_becomes_a_web_page(project: Path) -> None:
    """Formats whose classes call the path otherwise are served too."""
    PipelineManager(project, quiet=True).run("report", save={"by_region": project / "t.html"})
    assert "<td>north</td>" in (project / "t.html").read_text()


def test_an_unknown_node_to_save_is_a_mistake_of_the_caller(project: Path, cli: Cli) -> None:
    """--save and --load of a node that is not there end with 2 and name the nearest."""
    for flag in ("--save", "--load"):
        ran = cli.run("pipeline", "run", "report", flag, "totl=x.json", code=2)
        assert "Did you mean 'total'?" in ran.stderr


def test_a_jobs_record_holds_no_secret(project: Path, cli: Cli) -> None:
    """A secret in a path of the YAML is in no record of a job, which others may read."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(
        "run:\n  load: {sales: data/sales.csv}\n  save: {total: 'out/${DB_PASSWORD}/total.json'}\n"
        "  adapter: {graceful_errors: true}\n"
    )
    module = project / "pipelines" / "report.py"
    module.write_text(
        MODULE + "\n\ndef bad() -> int:\n    import os\n\n"
        "    raise ValueError('no ' + os.environ['DB_PASSWORD'])\n"
    )
    secret = {"DB_PASSWORD": "hunter2hunter2"}
    cli.run("job-queue", "add-job", "report", "--job-id", "j", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0, **secret)
    assert (project / "out" / "hunter2hunter2" / "total.json").exists()
    shown = cli.run("job-queue", "show-job", "j", "--json", DB_PASSWORD="other", code=0)
    assert "hunter2" not in shown.stdout
    result = shown.json["result"]
    assert result["survived"] == {"bad": "ValueError: no ***"}
    assert result["files"][0]["path"].endswith("out/***/total.json")


def test_only_files_of_what_is_needed_are_written(project: Path, cli: Cli) -> None:
    """With --final-vars, nodes are not computed only to be saved; what --save names is."""
    ran = cli.run("pipeline", "run", "report", "--final-vars", "total", "--json", code=0)
    assert {node["name"] for node in ran.json["nodes"]}.isdisjoint({"letter", "pair"})
    assert not (project / "output" / "letter.txt").exists()
    assert (project / "output" / "total.json").exists()
    planned = cli.run("pipeline", "run", "report", "--final-vars", "total", "--dry-run", code=0)
    assert "letter.txt" not in planned.stdout
    cli.run("pipeline", "run", "report", "--final-vars", "total", "--save", "letter=l.txt", code=0)
    assert (project / "l.txt").exists()


def test_a_file_that_cannot_be_read_is_named(project: Path, cli: Cli) -> None:
    """What a format's own code raises comes with the file and the format."""
    (project / "data" / "sales.csv").write_bytes(b"")
    ran = cli.run("pipeline", "run", "report", code=6)
    assert "EmptyDataError" in ran.stderr
    assert f"{project / 'data' / 'sales.csv'} cannot be read as csv." in ran.stderr


@pytest.mark.parametrize(
    ("save", "message"),
    [
        ("by_region: s3://bucket/x.csv", "by_region: s3://bucket/x.csv: Install s3fs to access S3"),
        ("total: s3://bucket/x.json", "total: s3://bucket/x.json: Install s3fs to access S3"),
        ("total: https://host/x.json", "total: https://host/x.json can only be read"),
        ("by_region: x.parquet", "by_region: parquet needs the package pyarrow: `pip install pyarrow`"),
        ("by_region: x.xlsx", "by_region: excel needs the package openpyxl"),
        ("total: {path: data, format: json}", "/data is a folder"),
        ("total: data/sales.csv/x.json", "/data/sales.csv is a file, not a folder"),
        ("{total: x.json, letter: x.json}", "/x.json is written 2 times"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_written_is_told_before(
    project: Path, cli: Cli, save: str, message: str
) -> None:
    """What a package, a scheme or a folder does not allow: nothing has been computed then."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(f"run:\n  load: {{sales: data/sales.csv}}\n  save:\n    {save}\n")
    module = project / "pipelines" / "report.py"
    module.write_text(
        MODULE.replace("    return sales", "    open('began', 'w').close()\n    return sales")
    )
    for more in ((), ("--dry-run",)):
        ended = cli.run("pipeline", "run", "report", *more, code=4)
        assert message in ended.stderr
    assert not (project / "began").exists()


def test_all_files_that_cannot_be_written_are_told_at_once(project: Path, cli: Cli) -> None:
    """Each by the node, but not one that is not to be written now."""
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text(
        "run:\n  load: {sales: data/sales.csv}\n"
        "  save: {by_region: x.parquet, total: s3://b/x.json, letter: s3://b/l.txt}\n"
    )
    ended = cli.run("pipeline", "run", "report", "--final-vars", "total", code=4)
    assert "2 files cannot be read or written:" in ended.stderr
    assert "l.txt" not in ended.stderr


def test_a_file_url_is_a_path(project: Path) -> None:
    """file:// needs no package, and its file is written whole and its folders made."""
    manager = PipelineManager(project, quiet=True)
    save = {"total": f"file://{project}/new/total%20of%20all.json"}
    manager.run("report", load={"sales": f"file://{project}/data/sales.csv"}, save=save)
    assert (project / "new" / "total of all.json").read_text() == "6.0\n"


def test_a_page_is_read_without_another_package(project: Path) -> None:
    """What pandas reads from the web itself, it does."""
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(project / "data")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sales = f"http://127.0.0.1:{server.server_port}/sales.csv"
        manager = PipelineManager(project, quiet=True)
        assert manager.run("report", load={"sales": sales}, final_vars="total") == {"total": 6.0}
        server.shutdown()


def test_tables_have_the_types_of_pandas_itself(project: Path) -> None:
    """What is read is as pandas reads it, and an option chooses otherwise."""
    config = project / "conf" / "pipelines" / "report.yml"
    for options, kind in (("", "int64"), (", options: {dtype_backend: numpy_nullable}", "Int64")):
        config.write_text(f"run: {{load: {{sales: {{path: data/sales.csv{options}}}}}}}\n")
        sales = PipelineManager(project, quiet=True).run("report", final_vars="sales")["sales"]
        assert str(sales["amount"].dtype) == kind


def test_an_index_that_says_something_is_written(project: Path) -> None:
    """It becomes a column; one that only counts rows does not."""
    (project / "pipelines" / "report.py").write_text(
        "import pandas as pd\n\ndef named() -> pd.DataFrame:\n"
        "    return pd.DataFrame({'x': [1]}, index=pd.Index(['a'], name='key'))\n\n"
        "def counted(named: pd.DataFrame) -> pd.DataFrame:\n    return named.reset_index()\n"
    )
    config = project / "conf" / "pipelines" / "report.yml"
    config.write_text("run: {save: {named: n.csv, counted: [c.csv, c.html, c.dta]}}\n")
    PipelineManager(project, quiet=True).run("report")
    assert (project / "n.csv").read_text() == (project / "c.csv").read_text() == "key,x\na,1\n"
    assert "<th>0</th>" not in (project / "c.html").read_text()


def test_lines_of_json_are_tables(project: Path) -> None:
    """A row is a line, to write and to read; other values are not written so."""
    manager = PipelineManager(project, quiet=True)
    manager.run("report", save={"by_region": project / "x.ndjson"})
    lines = '{"region":"north","amount":4}\n{"region":"south","amount":2}\n'
    assert (project / "x.ndjson").read_text() == lines
    read = manager.run("report", load={"by_region": project / "x.ndjson"}, final_vars="total")
    assert read == {"total": 6.0}
    with pytest.raises(ConfigError, match="cannot be written as ndjson or json"):
        manager.run("report", save={"pair": project / "x.jsonl"})
