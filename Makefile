# What can be done here: `make` lists it. `make demo` and `make test` need nothing prepared.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -ec

BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=
# processes that run tests; `make test WORKERS=0` runs them in one
WORKERS ?= 2
CODE := monitor tests benchmarks deploy

.PHONY: help venv demo test lint format types imports docs check bench lock clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv and install what requirements.lock says

$(STAMP): requirements.lock pyproject.toml .ci/venv
	@sh .ci/venv .venv
	@touch $@

demo: $(STAMP) ## watch driftd find known faults in real flights, then serve them (ARGS=--once exits instead)
	@$(BIN)/driftd demo $(ARGS)

test: $(STAMP) ## run all tests (ARGS="tests/stats -k norms" runs some)
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(STAMP) ## ruff: rules and format
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

format: $(STAMP) ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

types: $(STAMP) ## mypy --strict
	@$(BIN)/mypy

imports: $(STAMP) ## import-linter: who may import whom
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## what the documents say must be so
	@$(BIN)/python -m pytest -q tests/test_docs.py tests/test_docs_agree.py tests/test_readme.py

check: test lint types imports docs ## all of it

bench: $(STAMP) ## measure the speed against a bare scan of the same file
	@$(BIN)/python benchmarks/evaluate.py $(ARGS)

lock: $(STAMP) ## resolve requirements.lock anew from pyproject.toml, and the daemon's part of it in deploy/
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-header --no-annotate --group dev --extra s3 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --constraint requirements.lock \
		--no-emit-index-url --no-header --no-annotate --extra s3 pyproject.toml -o deploy/requirements.lock

clean: ## remove what was made here, the environment too
	@rm -rf .venv .tools build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find monitor tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
