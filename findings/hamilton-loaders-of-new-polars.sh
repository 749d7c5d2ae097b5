#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0 polars==2.1.0 pandas==3.1.1 packaging==26.4
export HAMILTON_TELEMETRY_ENABLED=false

printf 'a,b\n1,2\n' > table.csv
printf 'a\tb\n1\t2\n' > table.tsv
cat > run.py <<'PY'
from hamilton import registry

registry.initialize()
from hamilton.plugins.pandas_extensions import PandasCSVReader, PandasTableReader
from hamilton.plugins.polars_post_1_0_0_extensions import PolarsCSVReader

def load(reader):
    try:
        return reader.load_data(None)[0].shape
    except Exception as error:
        return type(error).__name__

print(load(PandasCSVReader(path="table.csv")), load(PolarsCSVReader(file="table.csv")),
      load(PandasTableReader(filepath_or_buffer="table.tsv")), sep="; ")
PY
seen=$(env/bin/python run.py 2>/dev/null)
echo "sf-hamilton 1.90.0 with polars 2.1.0 and pandas 3.1.1: a table of one row, by its loaders of pandas' csv, polars' csv, pandas' table"
echo "expected: (1, 2); (1, 2); (1, 2)"
echo "seen:     $seen"
[ "$seen" = "(1, 2); ArgumentRemovedError; TypeError" ]
