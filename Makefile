# make demo       set up what the core needs, train on digits into runs/digits
# make demo-table set up what tables need, train on a made shop's orders into runs/shop, measure and sample it
# make lab        set up what the lab needs, open it: trainings in the plane, in the browser
# make test       set up everything; lint, types, layers, fast tests
# make test-slow  the long studies
# make test-web   the tests of pages, with those that are too long for make test
# make docs       the pages of docs/ into docs/_build/html; runs the three notebooks when they have changed
# make fault      1,000 faults in real trainings, half an hour of two cores or longer; writes benchmarks/reliability.md
# make fuzz       an hour of broken files of every kind; MINUTES=5 for less
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NO_NETWORK := { echo "setup failed: pip could not install the packages; is the package index reachable? (details above)" >&2; exit 1; }

.PHONY: demo demo-table lab test test-slow test-web docs fault fuzz lint setup setup-table setup-app setup-docs setup-dev setup-browser clean

demo: setup
	$(BIN)/monge train digits --run runs/digits

demo-table: setup-table
	$(BIN)/monge train toy:shop --minutes 1 --run runs/shop
	$(BIN)/monge evaluate runs/shop
	$(BIN)/monge sample runs/shop -n 1000 --where "payment = 'invoice' and price >= 50" --out runs/shop/invoices.csv
	head -4 runs/shop/invoices.csv

lab: setup-app
	$(BIN)/monge lab

test: setup-dev lint
	$(BIN)/python -m pytest -n 2 -q

test-slow: setup-dev
	$(BIN)/python -m pytest -m slow -q

test-web: setup-dev
	$(BIN)/python -m pytest -n 2 -m web -q

docs: setup-docs
	$(BIN)/python -m sphinx -W --keep-going -n -q docs docs/_build/html
	@echo docs/_build/html/index.html

fault: setup-dev
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m fault --seed 0 --jobs 2 --out benchmarks/reliability.md

fuzz: setup-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz --minutes $(or $(MINUTES),60)

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/core
setup-table: .venv/table
setup-app: .venv/app
setup-docs: .venv/docs
setup-dev: .venv/dev setup-browser

# Tests of pages need a browser. Root of a Debian machine gets it here; to others the tests say what is missing.
setup-browser:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
	  echo "installing chromium (once; for the tests of pages)"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
	    >/dev/null || echo "apt-get could not install chromium (details above)" >&2; }

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "setup failed: monge needs Python 3.11 or later, '$(PYTHON)' is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "setup failed: the venv module of '$(PYTHON)' is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/core: .venv/bin/python pyproject.toml constraints.txt
	@echo "setting up .venv (once; about 1 GB, some minutes)"
	@$(PIP) -e . || $(NO_NETWORK)
	@touch $@

.venv/table: .venv/core
	@$(PIP) -e '.[table]' || $(NO_NETWORK)
	@touch $@

.venv/app: .venv/core
	@$(PIP) -e '.[app]' || $(NO_NETWORK)
	@touch $@

.venv/docs: .venv/core
	@$(PIP) -e '.[docs]' || $(NO_NETWORK)
	@touch $@

.venv/dev: .venv/core
	@$(PIP) -e '.[dev]' || $(NO_NETWORK)
	@touch $@

clean:
	rm -rf .venv docs/_build
