#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mkdocs==1.6.1

mkdir docs
echo 'site_name: notes' >mkdocs.yml
echo '![a plot](plot.png)' >docs/index.md

code_of() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
seen="$(code_of env/bin/mkdocs build --strict) $(code_of env/bin/mkdocs build --strict --quiet)"
echo "mkdocs 1.6.1: exit codes of 'build --strict' and 'build --strict --quiet' for a page whose picture is missing"
echo "expected: 1 1"
echo "seen:     $seen"
[ "$seen" = "1 0" ]
