# The runner. `make` prints the targets; each one first makes the environment if it is missing.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
LOCK_FLAGS ?=

# Tests write a lot and wait for the disk each time. Where memory has 4 GB to spare they write there.
ROOMY = $(shell df -Pk /dev/shm 2>/dev/null | awk -v to="$${TMPDIR:-/tmp}" \
	'NR == 2 && $$4 > 4000000 { to = "/dev/shm" } END { print to }')

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(READY) ## one story of all five processes, on the real stack, under 90 seconds
	$(BIN)/gatehouse demo

.PHONY: up
up: $(READY) ## the whole stack on this machine; Ctrl-C stops it, starting again goes on
	$(BIN)/gatehouse up

.PHONY: test
test: $(READY) chromium ## the test suite, in three processes; ARGS="tests/store -x -n 0" narrows it
	TMPDIR=$(ROOMY) $(BIN)/python -m pytest -q -n 3 --dist loadfile $(ARGS)

.PHONY: faults
faults: $(READY) ## the fault suite at full size, over an hour; TO=folder gets its report
	GATEHOUSE_FAULT_SEED=$${GATEHOUSE_FAULT_SEED:-$$(date +%s)} GATEHOUSE_FAULTS=full \
		GATEHOUSE_FAULTS_TO=$(TO) $(BIN)/python -m pytest -q tests/faults \
		-o faulthandler_timeout=3600 $(ARGS)

.PHONY: check
check: $(READY) ## format, lint, types, imports, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python requirements/vulnerabilities.py

.PHONY: bench
bench: $(READY) ## the figures we promise, measured on this machine; ARGS=counts only counts
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: secrets
secrets: ## random passwords for docker compose, once, in docker/secrets/
	sh docker/secrets.sh

.PHONY: texts
texts: $(READY) ## collect the texts of portal and mail; translate the new ones by hand
	for name in portal mail; do \
		$(BIN)/pybabel -q extract -F $$name/babel.cfg -k N_ -o $$name/locale/$$name.pot \
			--omit-header --no-wrap --add-location=file --sort-by-file . && \
		$(BIN)/pybabel -q update -D $$name -i $$name/locale/$$name.pot -d $$name/locale \
			--omit-header --no-wrap --no-fuzzy-matching --ignore-obsolete || exit 1; \
	done

.PHONY: screenshots
screenshots: $(READY) chromium ## pictures of every page: light, dark, phone; TO=folder
	$(BIN)/python -m tests.portal.pictures $(TO)

.PHONY: chromium
chromium: # what people browse with, without its windows; the portal's tests need a real one
	@command -v chromium-headless-shell >/dev/null || { test "$$(id -u)" = 0 && { \
		apt-get install -qq -y --no-install-recommends chromium-headless-shell \
		|| apt-get install -qq -y --no-install-recommends chromium; }; } \
		|| command -v chromium >/dev/null \
		|| echo "There is no Chromium here: the tests in a browser are skipped." >&2

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

.PHONY: licences
licences: $(READY) ## write docs/licences.md from the installed packages
	$(BIN)/python requirements/licences.py

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
