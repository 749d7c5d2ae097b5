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

import typer

def shown(mode):
    app = typer.Typer(no_args_is_help=True, rich_markup_mode=mode)
    app.callback()(lambda: None)
    app.command("report")(lambda: None)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(Exception):
        app(args=[], standalone_mode=False)
    return "report" in out.getvalue()

print(shown("rich"), shown(None))
PY
seen=$(env/bin/python run.py)
echo "typer 0.29.2: whether a group without arguments prints its help (standalone_mode=False), with rich markup and without"
echo "expected: the same for both"
echo "seen:     $seen"
[ "$seen" = "True False" ]
