# The runner. `make` prints the targets; each one first makes the environment if it is missing.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
LOCK_FLAGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(READY) ## one access from request to end, on the real stack, under a minute
	$(BIN)/gatehouse demo

.PHONY: up
up: $(READY) ## the whole stack on this machine; Ctrl-C stops it, starting again goes on
	$(BIN)/gatehouse up

.PHONY: test
test: $(READY) ## the test suite; ARGS="tests/store -x" narrows it
	$(BIN)/python -m pytest -q $(ARGS)

.PHONY: check
check: $(READY) ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(READY) ## the figures we promise, measured on this machine
	$(BIN)/python -m benchmarks

.PHONY: secrets
secrets: ## random passwords for docker compose, once, in docker/secrets/
	sh docker/secrets.sh

# A lock must not depend on this machine's pip settings. LOCK_FLAGS=--upgrade takes newer versions.
.PHONY: lock
lock: $(READY) ## compile requirements/*.in to hashed requirements/*.txt
	for name in base dev; do \
		env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
		$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
			--no-header --annotation-style=line --no-emit-options \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links $(LOCK_FLAGS) \
			--output-file=requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

.PHONY: clean
clean: ## remove the environment and caches; keeps .gatehouse/ and docker/secrets/
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .import_linter_cache .grimp_cache

$(READY): requirements/base.txt requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Gatehouse needs Python 3.11 or newer." >&2; exit 2; }
	@echo "Making the environment in .venv; this takes about half a minute."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
