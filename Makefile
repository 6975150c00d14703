# Everything lives in .venv/ and runs from this folder. `make up` and `make test` are all one needs.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Two processes for each core, each with services of its own: tests wait for services more than they compute. A file's
# tests stay together, as they share what they started; tests/conftest.py puts the longest files first.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: help install up down status test test-fast lint docs drill drill-compose bench lock clean
.DEFAULT_GOAL := help

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## install the pinned packages into .venv/ and fetch the jars (and a Java, where there is none)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11: set PYTHON=python3.11 or newer"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m ecommerce.services.fetch
	@touch $(INSTALLED)

up: install  ## start everything and stay until Ctrl-C
	@$(BIN)/ecommerce up

down:  ## stop what `make up` started
	@$(BIN)/ecommerce down

status: install  ## say how each service is
	@$(BIN)/ecommerce status

test: install  ## the tests, against real services on free ports
	@# Many tests start a Spark of their own: with its classes in the cache that takes 6 s of processor time instead of 11.
	@# Leaving them there takes 48 s once for each .venv/.
	-@$(BIN)/python -m ecommerce.archive.leave_classes
	$(BIN)/python -m pytest -m "not drill" $(PARALLEL)

test-fast: install  ## the tests that need no service, in half a minute
	$(BIN)/python -m pytest -q tests/unit -n 2 --dist loadfile

lint: install  ## format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: install  ## build the site of docs/ into build/site; broken links fail it
	$(BIN)/zensical build --strict

drill: install  ## the long kills and soaks, and the random tests with examples that no run had
	ECOMMERCE_NEW_EXAMPLES=1 $(BIN)/python -m pytest -m "hypothesis and not drill" $(PARALLEL)
	$(BIN)/python -m pytest -m drill --timeout 1800 --ignore tests/drills/compose

drill-compose: install  ## docker-compose.yml on a real engine, as root: the one that answers, else one of its own
	$(BIN)/python -m pytest -m drill --timeout 2400 tests/drills/compose

bench: install  ## measure against the targets (PARTS="generate import …" for some of them)
	$(BIN)/python -m benchmarks $(PARTS)

lock:  ## resolve the dependencies anew (needs uv); the lock holds names, versions and hashes, no addresses
	uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-annotate --no-header --all-extras pyproject.toml -o requirements.lock

clean:  ## remove .venv/ and caches, not the data in .ecommerce/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
