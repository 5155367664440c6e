# make run   starts Switchboard on this machine, e.g. make run ARGS="--server.port 8600"
# make check runs what has to pass before a commit: lint and test
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
RUN_STAMP := .venv/.stamp-run
DEV_STAMP := .venv/.stamp-dev
LOCAL := --server.address=127.0.0.1 --server.allowedHosts=localhost --server.allowedHosts=127.0.0.1

.PHONY: run test lint check

run: $(RUN_STAMP)
	$(BIN)/streamlit run streamlit_app.py $(LOCAL) $(ARGS)

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Switchboard needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUN_STAMP): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

# The group of pyproject.toml needs pip 25.1 or newer.
$(DEV_STAMP): requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --group dev
	@touch $@ $(RUN_STAMP)
