# make demo: set up everything from nothing, then run the example.
# make test: set up everything from nothing, then lint, types, import directions and tests.
# make integrations: Ray, Dask, trackers, file formats, PgBouncer, Redis and Valkey for real, with
#   packages of their own.
# make faults: every fault that is raised on purpose, short or long: backends that are away for half a
#   minute; workers, schedulers, migrations and senders of notices killed for some minutes, on every
#   backend, also while jobs wait for others and for limits. It ends with a table of all faults.
# make soak: half an hour of mixed load with random faults, on the three backends beside each other.
# make bench: the table of benchmarks, in about a quarter of an hour, with environments of its own;
#   ROUNDS=1 is shorter and says less, JSON=FILE keeps the figures. docs/reference/benchmarks.md
# make docs: builds the site of docs/ into site/; a warning, such as a broken link, is an error.
# make dist: builds wheel and sdist into dist/, and tries the wheel in fresh environments. All of it:
#   make dist PYTHONS=all EXTRAS=all

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WHOLE := .venv-integrations/bin
INTEGRATED := .venv-integrations/.installed
SITE := .venv-docs/bin
DOCUMENTED := .venv-docs/.installed
COMPARED := .venv-bench/.installed
WIDE := .venv-wide/.installed
# For make dist: versions such as 3.12,3.13, or all that are installed; by default that of .venv.
PYTHONS ?=
EXTRAS ?= postgresql,notify,metrics,dashboard,remote
# Half of the tests wait most of their time, for servers, leases and clocks.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 + 2 * (os.cpu_count() or 1))')

# The longest one first: two run at a time.
CAMPAIGNS := chain_campaign campaign calendar_campaign notice_campaign migration_campaign
SOAKS := soak-sqlite soak-postgresql soak-redis
# Of each soak.
MINUTES ?= 30

.PHONY: demo test types imports rewritten integrations faults $(CAMPAIGNS) soak $(SOAKS) install bench completions reference docs dist stored \
    clean

demo: $(INSTALLED)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --jobs 2 types imports rewritten
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

types: $(INSTALLED)
	$(BIN)/mypy

imports: $(INSTALLED)
	$(BIN)/lint-imports

# pytest's workers would all rewrite the same files at the same time: one does it beside mypy. If a
# file is broken, the tests say so.
rewritten: $(INSTALLED)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --collect-only -q >/dev/null || true

integrations: $(INTEGRATED)
	$(WHOLE)/pytest -n 2 tests/integrations

# The table says at the end what has failed or is missing, so nothing before it ends the command.
faults: $(INSTALLED)
	@rm -f $(FLOWERPOWER_TEST_FAULTS)
	-$(BIN)/pytest -m 'faults or fault or catches' -n $(WORKERS) --dist worksteal
	-$(MAKE) --keep-going --jobs 2 $(CAMPAIGNS)
	$(BIN)/python -m tests.acceptance.fault_table $(FLOWERPOWER_TEST_FAULTS)

faults $(CAMPAIGNS): export FLOWERPOWER_TEST_FAULTS := build/faults.jsonl

$(CAMPAIGNS): $(INSTALLED)
	$(BIN)/python -m tests.acceptance.$@

soak: $(INSTALLED)
	$(MAKE) --keep-going --jobs 3 $(SOAKS)

$(SOAKS): soak-%: $(INSTALLED)
	$(BIN)/python -m tests.acceptance.soak $* --minutes $(MINUTES)

bench: $(COMPARED) $(WIDE)
	.venv-bench/bin/python benchmarks/table.py --wide .venv-wide/bin/python $(if $(JSON),--json '$(JSON)')

completions: $(INSTALLED)
	$(BIN)/flowerpower completion show bash > completions/flowerpower.bash
	$(BIN)/flowerpower completion show zsh > completions/_flowerpower
	$(BIN)/flowerpower completion show fish > completions/flowerpower.fish
	$(BIN)/flowerpower completion show powershell > completions/flowerpower.ps1

reference: $(INSTALLED)
	$(BIN)/python docs/reference/make.py

# Material for MkDocs says at each build that its support ends in May 2027: decisions/dependencies.md.
# Without --quiet: with it MkDocs 1.6 counts no warning, and --strict finds nothing.
docs: $(DOCUMENTED)
	NO_MKDOCS_2_WARNING=1 $(SITE)/mkdocs build --strict

dist: $(INSTALLED)
	$(BIN)/python -m tests.release.distribution --pythons '$(PYTHONS)' --extras '$(EXTRAS)'

# What this version stores, kept for the tests of later ones.
stored: $(INSTALLED)
	$(BIN)/python -m tests.release.store

install: $(INSTALLED)

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flowerpower needs Python 3.11 or later; say make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

$(INTEGRATED): pyproject.toml
	$(PYTHON) -m venv .venv-integrations
	$(WHOLE)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,integrations]'
	touch $@

$(COMPARED): pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	touch $@

# The same versions of the same packages, and more: what differs then comes from those.
$(WIDE): $(COMPARED)
	$(PYTHON) -m venv .venv-wide
	.venv-bench/bin/python -m pip freeze --exclude-editable > .venv-wide/constraints.txt
	.venv-wide/bin/python -m pip install --quiet --disable-pip-version-check \
	    -c .venv-wide/constraints.txt -e '.[dev,bench,wide]'
	touch $@

$(DOCUMENTED): pyproject.toml
	$(PYTHON) -m venv .venv-docs
	$(SITE)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

clean:
	rm -rf .venv .venv-integrations .venv-docs .venv-bench .venv-wide .demo build dist site
