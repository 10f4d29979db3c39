# opendistrict. `make demo` and `make test` set up everything they need; `make help` lists the rest.
PYTHON ?= python3.11
BIN := .venv/bin
DEMO_HOME ?= var

# Where two targets run at once, each says what it has to say in one piece (not with the make of macOS, 3.81).
IN_PIECES := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help demo test look lint types layers unit coverage e2e tools prove bench schemas hooks lock ckan-up ckan-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock's own uv installs the lock: hashes checked, a few seconds where pip takes minutes.
.venv/installed: requirements.lock pyproject.toml
	@echo "installing into .venv (a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@awk '/^[a-z0-9]/ {keep = /^uv==/} keep' requirements.lock > .venv/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/installed ## one night on the shipped sample, into ./var
	@$(BIN)/opendistrict demo --home $(DEMO_HOME)

test: look unit e2e ## everything that CI runs, quickest first

look: .venv/installed ## lint, types and layers, two at once
	@$(MAKE) --no-print-directory --jobs=2 $(IN_PIECES) types lint layers

lint: .venv/installed ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/sqlfluff lint --disable-progress-bar --nocolor warehouse/models

types: .venv/installed ## types
	@$(BIN)/mypy

layers: .venv/installed ## which room may import which
	@$(BIN)/lint-imports --no-logo

unit: .venv/installed ## fast tests
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not e2e and not prove"

coverage: .venv/installed ## the fast tests once more, with what they reach: at least 92 %
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not e2e and not prove" --cov --cov-report=term:skip-covered

# Three at once on two cores: one has the CKAN's tests, and servers are waited for a good deal.
e2e: .venv/installed tools ## tests with a real CKAN, a real Prefect server, a real browser
	@$(BIN)/pytest -q -n 3 --dist loadfile -m "e2e and not prove"

tools: # the browser of the e2e tests; CKAN's parts are installed by dev/ckan/up.sh
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || \
	  { echo "installing chromium"; apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null

prove: .venv/installed ## long proofs: many orders, many seeds (an hour)
	@$(BIN)/pytest -q -n 2 -m prove

bench: .venv/installed ## the registers against DuckDB's bare read; what Prefect costs; a paged pull; identities; disclosure; marking; checks; a table into CKAN
	@$(BIN)/python -m benchmarks.register && $(BIN)/python -m benchmarks.prh && \
	  $(BIN)/python -m benchmarks.flow && $(BIN)/python -m benchmarks.paging && \
	  $(BIN)/python -m benchmarks.identities && $(BIN)/python -m benchmarks.disclosure && \
	  $(BIN)/python -m benchmarks.disclosure_attacks && $(BIN)/python -m benchmarks.annotate --rows 30000 && \
	  $(BIN)/python -m benchmarks.checks && $(BIN)/python -m benchmarks.publish

schemas: .venv/installed ## write docs/schemas from the models, for editors of the YAML files
	@$(BIN)/python -m dev.schemas

hooks: .venv/installed ## look at every commit before it is made: style, types, layers
	@$(BIN)/pre-commit install

lock: .venv/installed ## compile requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --python-version 3.11 --output-file requirements.lock

ckan-up: .venv/installed ## start a real CKAN on loopback; prints its address and a token
	@dev/ckan/up.sh

ckan-down: ## stop it
	@dev/ckan/down.sh

clean: ## remove what was built, but neither ./var nor .ckan
	@rm -rf .venv build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
