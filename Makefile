# Needs Python 3.11 or newer, make and git; everything else is installed into .venv from hashed requirement files.

.DEFAULT_GOAL := help
BIN := .venv/bin
INSTALL_INPUTS := pyproject.toml requirements/install.sh

PYTEST_ARGS ?= -n 2
CHAOS_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
export PYTHON

.PHONY: help demo test e2e chaos bench lint format types arch check requirements secrets clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## run a whole campaign against the built-in carrier simulator
	$(BIN)/dispatcher demo $(DEMO_ARGS)

test: .venv/dev.stamp ## run every test (PYTEST_ARGS="tests/unit -x" for some)
	$(BIN)/pytest $(PYTEST_ARGS)

e2e: .venv/dev.stamp ## see the recipient's page in a real browser (Chromium; installed where it is missing, as root on Debian)
	tests/e2e/browser.sh
	$(BIN)/pytest tests/e2e

chaos: .venv/dev.stamp ## kill workers and servers, again and again (CHAOS_ARGS="--runs 100"; goes on where it was)
	$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

bench: .venv/dev.stamp ## measure, against bare baselines in the same run
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: .venv/dev.stamp ## check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: .venv/dev.stamp ## correct style where that needs no thought
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: .venv/dev.stamp ## check types
	$(BIN)/mypy

arch: .venv/dev.stamp ## check that imports run one way
	$(BIN)/lint-imports

check: lint types arch test e2e ## all of the above, as CI does

requirements: ## resolve the requirement files anew (needs uv; UPGRADE=--upgrade for newer versions)
	requirements/compile.sh $(UPGRADE)

secrets: ## make what docker-compose.yml needs, once: passwords and keys in secrets/, settings in .env
	docker/make-secrets.sh

clean: ## remove what was built or installed here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: requirements/run.txt $(INSTALL_INPUTS)
	requirements/install.sh run
	@touch $@

# What tests need includes what running needs.
.venv/dev.stamp: requirements/dev.txt $(INSTALL_INPUTS)
	requirements/install.sh dev
	@touch $@ .venv/run.stamp
