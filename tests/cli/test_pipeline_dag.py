"""`flowerpower pipeline dag` and `pipeline show --html`, as a person or a program runs them."""

from __future__ import annotations

import re
import shutil
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.cli.dags import HOSTILE_TEXTS, NO_PROGRAMS
from tests.conftest import MakeProject
from tests.terminal import Cli

SVG = "{http://www.w3.org/2000/svg}"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "look-at-a-pipeline.md"

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def names(cli: Cli, *arguments: str) -> list[str]:
    """What `pipeline dag report --quiet` prints."""
    return cli.run("pipeline", "dag", "report", "--quiet", *arguments, code=0).stdout.split()


def test_text_is_one_line_per_node(report: Cli) -> None:
    """On a pipe it is plain text: the lanes, name, type and kind of every node, and no escapes."""
    ran = report.run("pipeline", "dag", "report", code=0)
    assert ran.stdout.splitlines() == [
        "○    source_file  str        input",
        "●    rows         list[int]",
        "│ ○  unit         str        optional input",
        "├─●  total        float",
        "●─╯  chart        str        final",
        "  ○  scale        int        input",
        "  ●  unused       int",
    ]
    assert ran.stderr == "printed at import\n"


def test_ascii_where_stdout_is_not_unicode(report: Cli) -> None:
    """With another encoding than UTF-8 the lanes are drawn in ASCII."""
    ran = report.run("pipeline", "dag", "report", PYTHONIOENCODING="latin-1", code=0)
    assert ran.stdout.splitlines()[:5] == [
        "o    source_file  str        input",
        "*    rows         list[int]",
        "| o  unit         str        optional input",
        "+-*  total        float",
        "*-'  chart        str        final",
    ]


def test_a_terminal_shows_final_variables_green(report: Cli) -> None:
    """On a terminal the final variable is bold green, and --no-color takes all colours away."""
    shown = report.run_in_terminal("pipeline", "dag", "report").stdout
    assert re.search(r"\x1b\[1;32m  chart", shown)
    assert not re.search(r"\x1b\[1;32m  rows", shown)
    plain = report.run_in_terminal("pipeline", "dag", "report", "--no-color").stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain)


@pytest.mark.parametrize("columns", [80, 44, 30, 20])
def test_a_terminal_folds_no_row(weather: Cli, columns: int) -> None:
    """However narrow the terminal, each node is on one line that fits."""
    shown = weather.run_in_terminal("pipeline", "dag", "weather", "--no-color", columns=columns)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout).splitlines()
    assert len(lines) == 19
    assert max(map(len, lines)) <= columns
    assert any("…" in line for line in lines) == (columns in (44, 20))


def test_json_tells_nodes_and_edges(report: Cli) -> None:
    """--json has every node with its type, kind and docstring, and every edge."""
    document = report.run("pipeline", "dag", "report", "--json", code=0).json
    assert list(document) == ["pipeline", "final_vars", "nodes", "edges"]
    assert (document["pipeline"], document["final_vars"]) == ("report", ["chart"])
    nodes = {node.pop("name"): node for node in document["nodes"]}
    assert nodes["chart"] == {"type": "str", "kind": "node", "doc": "A picture.", "is_final": True}
    assert nodes["total"]["is_final"] is False
    assert {name: node["required"] for name, node in nodes.items() if node["kind"] == "input"} == {
        "source_file": True,
        "unit": False,
        "scale": True,
    }
    assert {(edge["from"], edge["to"]) for edge in document["edges"]} == {
        ("source_file", "rows"),
        ("rows", "total"),
        ("unit", "total"),
        ("rows", "chart"),
        ("total", "chart"),
        ("scale", "unused"),
    }


def test_parts_can_be_drawn_alone(report: Cli) -> None:
    """--upstream, --downstream and --final-vars narrow it; the first two together widen it."""
    assert names(report) == ["source_file", "rows", "unit", "total", "chart", "scale", "unused"]
    assert names(report, "--upstream", "rows") == ["source_file", "rows"]
    assert names(report, "--downstream", "unit") == ["unit", "total", "chart"]
    assert names(report, "--upstream", "rows", "--upstream", "scale") == [
        "source_file", "rows", "scale",
    ]  # fmt: skip
    assert names(report, "--upstream", "rows", "--downstream", "scale") == [
        "source_file", "rows", "scale", "unused",
    ]  # fmt: skip
    assert names(report, "--final-vars", "total") == ["source_file", "rows", "unit", "total"]
    assert names(report, "--final-vars", "total", "--downstream", "rows") == ["rows", "total"]


def test_nothing_left_is_told(report: Cli) -> None:
    """Where no node is left, stdout is empty, stderr says so, and it is no failure."""
    ran = report.run(
        "pipeline", "dag", "report", "--final-vars", "chart", "--upstream", "unused", code=0
    )
    assert ran.stdout == ""
    assert "None of these nodes is needed for the final variables." in ran.stderr


def test_final_vars_given_are_the_ones_marked(report: Cli) -> None:
    """With --final-vars those are final, not those of the YAML."""
    document = report.run(
        "pipeline", "dag", "report", "--final-vars", "total", "--json", code=0
    ).json
    assert document["final_vars"] == ["total"]
    assert [node["name"] for node in document["nodes"] if node["is_final"]] == ["total"]


@pytest.mark.parametrize("option", ["--upstream", "--downstream", "--final-vars"])
def test_an_unknown_node_is_told(report: Cli, option: str) -> None:
    """A node that is not there ends with 2 and the name that may be meant."""
    ran = report.run("pipeline", "dag", "report", option, "totl", code=2)
    assert "report has no node 'totl'. Did you mean 'total'?" in ran.stderr
    assert ran.stdout == ""


def test_config_decides_what_is_drawn(cli: Cli, make_project: MakeProject) -> None:
    """--config is Hamilton's driver configuration, and may bring other nodes."""
    module = (
        "from hamilton.function_modifiers import config\n"
        "@config.when(mode='a')\n"
        "def value__a(first: int) -> int: ...\n"
        "@config.when(mode='b')\n"
        "def value__b(second: int) -> int: ...\n"
    )
    make_project(report=("run:\n  config: {mode: a}\n", module))
    assert names(cli) == ["first", "value"]
    assert names(cli, "--config", "mode=b") == ["second", "value"]


def test_a_circle_is_told(cli: Cli, make_project: MakeProject) -> None:
    """Nodes that need each other are an error that names the circle."""
    make_project(report=("{}\n", "def a(b: int) -> int: ...\ndef b(a: int) -> int: ...\n"))
    ran = cli.run("pipeline", "dag", "report", code=4)
    assert "circle" in ran.stderr
    assert "a -> b -> a" in ran.stderr or "b -> a -> b" in ran.stderr


def read_mermaid(text: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Labels by id, and edges; each line must be one of the forms that are known here."""
    first, *lines = text.splitlines()
    assert first == "flowchart TD"
    labels, edges = {}, set()
    for line in lines:
        node = re.fullmatch(r'    (n\d+)(?:\(\["([^"]*)"\]\)|\["([^"]*)"\])', line)
        edge = re.fullmatch(r"    (n\d+) --> (n\d+)", line)
        if node:
            label = node[2] or node[3]
            rest = label.replace("<br/>", "", 1)
            assert not set(re.sub(r"#\d+;", "", rest)) & set("<>\"'`#;%{}()\\&:/"), label
            labels[node[1]] = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)
        elif edge:
            edges.add((edge[1], edge[2]))
        else:
            assert re.fullmatch(r"    class(Def \w+ [\w:; -]+| [n\d,]+ (input|final))", line), line
    return labels, {(labels[a].split("<br/>")[0], labels[b].split("<br/>")[0]) for a, b in edges}


def test_mermaid_has_nodes_and_edges(report: Cli) -> None:
    """--format mermaid is a flowchart of the same nodes and edges, with inputs round."""
    text = report.run("pipeline", "dag", "report", "--format", "mermaid", code=0).stdout
    labels, edges = read_mermaid(text)
    assert "rows<br/>list[int]" in labels.values()
    assert {("rows", "chart"), ("total", "chart"), ("unit", "total")} <= edges
    assert len(labels) == 7
    assert len(edges) == 6
    assert '    n0(["source_file<br/>str"])' in text.splitlines()


@pytest.mark.parametrize("form", ["dot", "mermaid", "text"])
def test_texts_need_no_graphviz(report: Cli, form: str) -> None:
    """Text, Mermaid and dot come out the same whether `dot` is there or not."""
    with_dot = report.run("pipeline", "dag", "report", "--format", form, code=0)
    assert report.run("pipeline", "dag", "report", "--format", form, **NO_PROGRAMS) == with_dot


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_a_picture_without_graphviz(report: Cli, form: str) -> None:
    """Where `dot` is missing a picture is refused, with how to get it and what works without."""
    file = report.folder / f"dag.{form}"
    ran = report.run("pipeline", "dag", "report", "-o", str(file), code=1, **NO_PROGRAMS)
    assert "Error: The program `dot`" in ran.stderr
    assert "apt install graphviz" in ran.stderr
    assert "brew install graphviz" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not file.exists()


def test_graphviz_that_fails_is_told(report: Cli, tmp_path: Path) -> None:
    """What `dot` says when it fails is told, and no file is left."""
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho no fonts here >&2\nexit 3\n")
    program.chmod(0o755)
    ran = report.run("pipeline", "dag", "report", "-o", "dag.png", PATH=str(tmp_path), code=1)
    assert "Graphviz did not draw png (exit code 3)." in ran.stderr
    assert "no fonts here" in ran.stderr
    assert not (report.folder / "dag.png").exists()


MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}


@needs_dot
@pytest.mark.parametrize("form", MAGIC)
def test_pictures(report: Cli, form: str) -> None:
    """A picture goes to FILE by its suffix, or raw to a pipe, and is what its name says."""
    file = report.folder / f"dag.{form.upper()}"
    ran = report.run("pipeline", "dag", "report", "-o", str(file), code=0)
    assert ran.stdout == ""
    assert f"Wrote {file}." in ran.stderr
    assert file.read_bytes().startswith(MAGIC[form])

    with report.start("pipeline", "dag", "report", "--format", form) as process:
        assert process.stdout is not None
        assert process.stdout.buffer.read().startswith(MAGIC[form])


@needs_dot
def test_svg_of_graphviz_has_all_nodes(report: Cli) -> None:
    """The SVG that Graphviz draws is well-formed and shows every name and type."""
    ran = report.run("pipeline", "dag", "report", "--format", "svg", code=0)
    texts = [each.text for each in ET.fromstring(ran.stdout).iter(f"{SVG}text")]
    assert {"source_file", "rows", "list[int]", "unit", "total", "chart", "scale"} <= set(texts)


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_a_terminal_is_spared_binary(report: Cli, form: str) -> None:
    """A binary picture is not written to a terminal; the hint names --output."""
    ran = report.run_in_terminal("pipeline", "dag", "report", "--format", form)
    assert ran.code == 8
    assert ran.stdout == ""
    assert "--output" in ran.stderr


@pytest.mark.parametrize(
    ("file", "begin"),
    [
        ("a.txt", "○    source_file"),
        ("a.mmd", "flowchart TD\n"),
        ("a.mermaid", "flowchart TD\n"),
        ("a.dot", 'digraph "report" {\n'),
        ("a.gv", 'digraph "report" {\n'),
    ],
)
def test_the_suffix_decides(report: Cli, file: str, begin: str) -> None:
    """The file's suffix picks the format; stdout stays empty, and a terminal changes nothing."""
    ran = report.run("pipeline", "dag", "report", "--output", file, code=0)
    assert ran.stdout == ""
    written = (report.folder / file).read_text(encoding="utf-8")
    assert written.startswith(begin)
    assert "\x1b" not in written
    (report.folder / file).unlink()
    report.run_in_terminal("pipeline", "dag", "report", "--output", file, columns=30)
    assert (report.folder / file).read_text(encoding="utf-8") == written


def test_format_wins_over_the_suffix(report: Cli) -> None:
    """Where --format and the suffix differ, --format counts."""
    report.run("pipeline", "dag", "report", "-o", "a.svg", "--format", "mermaid", code=0)
    assert (report.folder / "a.svg").read_text().startswith("flowchart TD\n")


def test_a_file_is_written_whole_or_not_at_all(report: Cli, tmp_path: Path) -> None:
    """A file that was there keeps its mode, and stays as it was when the drawing fails."""
    file = report.folder / "dag.dot"
    file.write_text("before")
    file.chmod(0o600)
    report.run("pipeline", "dag", "report", "-o", "dag.dot", code=0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "rows" in file.read_text()
    picture = report.folder / "dag.png"
    picture.write_text("before")
    report.run("pipeline", "dag", "report", "-o", "dag.png", code=1, **NO_PROGRAMS)
    assert picture.read_text() == "before"
    assert not [each for each in report.folder.iterdir() if each.name.startswith(".flowerpower-")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-o", "a.xyz"), 2, "expected one of .txt, .mmd"),
        (("-o", "missing/a.dot"), 1, "missing/a.dot cannot be written"),
        (("--json", "--format", "dot"), 2, "--format and --json are both given"),
        (("--format", "jpeg"), 2, "jpeg"),
        (("--final-vars", ","), 2, "--final-vars names no node"),
    ],
)
def test_what_cannot_be_is_told(report: Cli, arguments: Any, code: int, message: str) -> None:
    """A request that cannot be fulfilled ends with its exit code, one sentence and no traceback."""
    ran = report.run("pipeline", "dag", "report", *arguments, code=code)
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_json_and_a_file_together(report: Cli) -> None:
    """With --json and --output the drawing is in the file and the JSON on stdout."""
    ran = report.run("pipeline", "dag", "report", "--json", "-o", "a.dot", code=0)
    assert ran.json["pipeline"] == "report"
    assert (report.folder / "a.dot").read_text().startswith("digraph")


def test_hostile_text_stays_text(hostile: Cli) -> None:
    """No control character of a name, type or docstring reaches any of the texts."""
    for form in ("text", "dot", "mermaid"):
        shown = hostile.run("pipeline", "dag", "hostile", "--format", form, code=0).stdout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown), form
    rows = hostile.run("pipeline", "dag", "hostile", code=0).stdout.splitlines()
    assert len(rows) == 6
    for text in HOSTILE_TEXTS:
        assert any(f"  {text}  " in row for row in rows), text


def test_hostile_text_in_mermaid(hostile: Cli) -> None:
    """In Mermaid each hostile name is a label that decodes to what it is."""
    shown = hostile.run("pipeline", "dag", "hostile", "--format", "mermaid", code=0).stdout
    labels, edges = read_mermaid(shown)
    assert {f"{text}<br/>int" for text in HOSTILE_TEXTS} <= set(labels.values())
    assert len(labels) == 6
    assert len(edges) == 5


@needs_dot
def test_hostile_text_in_dot(hostile: Cli) -> None:
    """Graphviz sees six nodes, shows names and docstrings as they are, and nothing else."""
    drawn = hostile.run("pipeline", "dag", "hostile", "--format", "svg", code=0).stdout
    root = ET.fromstring(drawn)
    kinds = [each.get("class") for each in root.iter(f"{SVG}g")]
    assert (kinds.count("node"), kinds.count("edge")) == (6, 5)
    assert not list(root.iter(f"{SVG}script"))
    assert set(HOSTILE_TEXTS) <= {each.text for each in root.iter(f"{SVG}text")}
    titles = {each.get("{http://www.w3.org/1999/xlink}title") for each in root.iter(f"{SVG}a")}
    doc = """A \\x1b]0;doc\\x07 with "quotes", \\N, &amp; and <b onclick='x()'>HTML</b>."""
    assert doc in titles
    assert not [each for each in root.iter() if each.get("{http://www.w3.org/1999/xlink}href")]


SECRET = "hunter2-and-more"


def test_secrets_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """What the YAML takes from the environment is shown in no format, wherever it stands."""
    module = f'''
from typing import Literal
def table(password: str, mode: Literal["{SECRET}"]) -> int:
    """Not {SECRET}."""
'''
    make_project(report=("run:\n  inputs: {password: '${DB_PASSWORD}'}\n", module))
    cli.environ["DB_PASSWORD"] = SECRET
    for arguments in (
        ("dag", "report"),
        ("dag", "report", "--json"),
        ("dag", "report", "--format", "dot"),
        ("dag", "report", "--format", "mermaid"),
        ("show", "report", "--html"),
    ):
        ran = cli.run("pipeline", *arguments, code=0)
        assert SECRET not in ran.stdout
        assert "***" in re.sub(r"#(\d+);", lambda found: chr(int(found[1])), ran.stdout)


def test_the_guide_shows_what_is_drawn(weather: Cli) -> None:
    """The drawing in the guide is the one that the example's pipeline prints."""
    drawn = weather.run("pipeline", "dag", "weather", code=0).stdout
    assert drawn in GUIDE.read_text(encoding="utf-8")
    assert max(map(len, drawn.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "dot"])
def test_a_reader_that_goes_is_no_error(report: Cli, form: str) -> None:
    """Output piped to something that has ended already ends quietly."""
    with report.start("pipeline", "dag", "report", "--format", form) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == "printed at import\n"
    assert process.returncode == 0
