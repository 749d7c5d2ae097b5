#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check typer==0.29.2

cat > run.py <<'PY'
import contextlib
import io
import sys

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)
if sys.argv[1] == "alone":
    app.command("report")(lambda: None)
    arguments = ["--help"]
else:
    group = typer.Typer()
    group.command("report")(lambda: None)
    app.add_typer(group, name="group")
    arguments = ["group", "report", "--help"]
with contextlib.redirect_stdout(io.StringIO()):
    app(args=arguments, standalone_mode=False)
print("pydantic" in sys.modules)
PY
seen="$(env/bin/python run.py alone) $(env/bin/python run.py in-a-group)"
echo "typer 0.29.2: whether the help of a command without options imports pydantic, of the only command and of one in a group"
echo "expected: the same for both"
echo "seen:     $seen"
[ "$seen" = "False True" ]
