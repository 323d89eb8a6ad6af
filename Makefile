# RootTrading: every target makes what it needs; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help run test lint simulate benchmark services-up services-down docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: $(VENV)/.run ## trade the shipped tape to its end and print the report (ARGS="--speed 60x" and so on)
	$(BIN)/roottrading run $(ARGS)

test: lint ## check everything: style, types, imports, tests
	$(BIN)/pytest -q -n auto --dist worksteal

SEEDS ?= 1000
FIRST ?= 1
simulate: $(VENV)/.test ## kill and confuse everything, and demand the same trades (SEEDS=10000 FIRST=1)
	$(BIN)/python -m tests.simulation $(SEEDS) $(FIRST)

lint: $(VENV)/.test ## check style, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tests tools benchmarks examples
	$(BIN)/lint-imports --no-cache | sed -n '/^Contracts$$/,$$p'; exit $${PIPESTATUS[0]}

benchmark: $(VENV)/.test ## measure the backtest: speed, memory, stages (ARGS="--workloads A" and so on)
	$(BIN)/python -m benchmarks.backtest $(ARGS)

SERVICES ?= build/services
services-up: $(VENV)/.run ## start a Redis, PostgreSQL and Kafka of your own, and print their addresses
	@$(BIN)/python -m roottrading.operations.local_servers up --folder $(SERVICES)

services-down: $(VENV)/.run ## end them; their data stay (ARGS=--wipe: not even these)
	@$(BIN)/python -m roottrading.operations.local_servers down --folder $(SERVICES) $(ARGS)

docs: $(VENV)/.test ## rewrite the generated parts of docs/
	$(BIN)/python -m tools.make_docs

lock: ## choose new versions of all packages into the lock files
	rm -rf build/lock && $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile --quiet --upgrade --universal --no-emit-index-url --no-header --extra dev \
		pyproject.toml --output-file requirements-dev.lock
	build/lock/bin/uv pip compile --quiet --universal --no-emit-index-url --no-header --constraint requirements-dev.lock \
		pyproject.toml --output-file requirements.lock

clean: ## remove everything that was made here
	if [ -d $(SERVICES) ] && [ -x $(BIN)/python ]; then $(BIN)/python -m roottrading.operations.local_servers down --folder $(SERVICES) --wipe; fi
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment: with what a run needs (.run), then also with what the checks need (.test).
$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.run
	$(BIN)/pip install --quiet --requirement requirements-dev.lock
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "RootTrading needs Python 3.11 or newer as '$(PYTHON)': apt-get install python3 python3-venv, or make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
