# Everything lives in .venv/ and runs from this folder. `make up` and `make test` are all one needs.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
# Two processes for each core, each with services of its own: tests wait for services more than they compute. A file's
# tests stay together, as they share what they started; tests/conftest.py puts the longest files first.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

RESOLVE := uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: help install install-dev up down status test test-slow test-fast lint docs drill drill-compose bench lock clean
.DEFAULT_GOAL := help

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## install the pinned packages into .venv/ and fetch the jars (and a Java, where there is none)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11: set PYTHON=python3.11 or newer"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(call packages,requirements.lock)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "jars of Hadoop and Iceberg, fetched once for this machine"
	@$(BIN)/python -m ecommerce.services.fetch
	@touch $(INSTALLED)

install-dev: $(INSTALLED_DEV)  ## install what tests and lint need beside it

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.lock
	@$(call packages,requirements-dev.lock, for tests and lint)
	@touch $(INSTALLED_DEV)

# Install a lock's packages; the download takes minutes, so each is counted where somebody may be looking.
define packages
echo "installing $$(grep -c '==' $(1)) pinned packages into .venv/$(2): some minutes the first time"
{ $(BIN)/python -u -m pip install --disable-pip-version-check --no-deps --require-hashes --progress-bar off -r $(1) \
  && echo done; } | awk -v all="$$(grep -c '==' $(1))" -v bar="$$(test -t 2 && echo yes)" '\
  /^(Collecting|Requirement already)/ { n++; if (bar) printf "\r\033[K%d of %d: %s", n, all, ($$1 == "Collecting" ? $$2 : $$4); fflush() } \
  /^Installing collected/ { printf "%sunpacking\n", bar ? "\r\033[K" : ""; fflush() } \
  { last = $$0 } END { exit last != "done" }'
endef

up: install  ## start everything and stay until Ctrl-C
	@$(BIN)/ecommerce up

down:  ## stop what `make up` started
	@$(BIN)/ecommerce down

status: install  ## say how each service is
	@$(BIN)/ecommerce status

test: install-dev  ## the tests, against real services on free ports
	@# Many tests start a Spark of their own: with its classes in the cache that takes 6 s of processor time instead of 11.
	@# Leaving them there takes 48 s once for each .venv/.
	-@$(BIN)/python -m ecommerce.archive.leave_classes
	$(BIN)/python -m pytest -m "not drill and not slow" $(PARALLEL)

test-slow: install-dev  ## the rest of the tests: whole runs, stacks and restarts, many of a minute and more
	-@$(BIN)/python -m ecommerce.archive.leave_classes
	$(BIN)/python -m pytest -m "slow and not drill" $(PARALLEL)

test-fast: install-dev  ## the tests that need no service, in half a minute
	$(BIN)/python -m pytest -q -m "not slow" --hypothesis-profile fast tests/unit -n 2 --dist worksteal

lint: install-dev  ## format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: install-dev  ## build the site of docs/ into build/site; broken links fail it
	$(BIN)/zensical build --strict

drill: install-dev  ## the long kills and soaks, and the random tests with examples that no run had
	ECOMMERCE_NEW_EXAMPLES=1 $(BIN)/python -m pytest -m "hypothesis and not drill" $(PARALLEL)
	$(BIN)/python -m pytest -m drill --timeout 1800 --ignore tests/drills/compose

drill-compose: install-dev  ## docker-compose.yml on a real engine, as root: the one that answers, else one of its own
	$(BIN)/python -m pytest -m drill --timeout 2400 tests/drills/compose

bench: install-dev  ## measure against the targets (PARTS="generate import …" for some of them)
	$(BIN)/python -m benchmarks $(PARTS)

lock:  ## resolve the dependencies anew (needs uv); the locks hold names, versions and hashes, no addresses
	$(RESOLVE) --extra all --group build pyproject.toml -o requirements.lock
	@# Of what developers add, only what does not run anyway, and in versions that go with it.
	$(RESOLVE) --group dev -c requirements.lock $$(sed -nE 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-dev.lock

clean:  ## remove .venv/ and caches, not the data in .ecommerce/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
