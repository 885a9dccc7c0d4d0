# `make` alone lists what can be made. Every target makes the virtual environment it needs.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-kafka check lint format docs data-card lock score bench bench-smoke bench-page profile up down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make the virtual environment (.venv) with everything in it

$(VENV)/.installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cardwatch needs Python 3.11 to 3.13; choose one with: make PYTHON=python3.12 ...")'
	@echo "Installing into $(VENV) (once; about a minute) ..."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(UV) pip sync --quiet --compile-bytecode --python $(PY) --require-hashes requirements-uv.lock requirements-dev.lock
	@$(PY) -m compileall -q schemas producer analyzer notifier eventbus score demo bench
	@touch $@

demo: setup ## run the whole suite on this machine, then prove that nothing was lost (ARGS="--broker apache", ARGS=--help)
	@$(PY) -m demo $(ARGS)

# Fifty seeds, each a workshop of 20,000 transactions, which is a million in all; later options of ARGS win.
# From 1001 on: thresholds were tuned on smaller ones (README.md, "Who was caught").
SCORE = $(if $(DATA),--data $(DATA) $(if $(MAPPING),--mapping $(MAPPING)),--seed 1001 --seeds 50)

score: setup ## judge a million generated transactions, or a file of yours, and say who was caught (DATA=FILE MAPPING=M, ARGS=--help)
	@$(PY) -m score offline $(SCORE) $(ARGS)

# Two at a time: most tests wait for a broker most of the time.
test: setup ## run the tests on the embedded broker (ARGS="tests/unit -k window" for some)
	@$(PY) -m pytest --numprocesses 2 --dist worksteal $(ARGS)

# Without the event bus's own tests, which know no broker.
test-kafka: setup ## run the integration and end-to-end tests on real Apache Kafka (Java 17, Maven)
	@CARDWATCH_TEST_BROKER=apache $(PY) -m pytest --numprocesses 2 --dist worksteal \
	  --ignore-glob 'tests/integration/test_eventbus_*' tests/integration tests/e2e $(ARGS)

check: setup ## everything that CI runs: format, lint, types, imports, schemas, tests
	@bash .ci/run

lint: setup ## format, lint, types, import contracts, schema history: seconds, as pre-commit runs it
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(PY) -m schemas check

format: setup ## format the code and mend what the linter can
	@$(VENV)/bin/ruff check --fix --quiet .
	@$(VENV)/bin/ruff format --quiet .

docs: setup ## write docs/settings.md and the reference in docs/replay.md from the classes
	@$(PY) -m tests.docs.settings_page
	@$(PY) -m tests.docs.replay_page

data-card: setup ## write docs/data-card.md and its plots from runs of the generator
	@$(PY) -m tests.quality.data_card

LOCK = $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
       --no-annotate --no-header --no-emit-index-url pyproject.toml

lock: setup ## choose the newest versions that pyproject.toml allows and write the lock files
	@$(LOCK) -o requirements.lock
	@$(LOCK) --group local -c requirements.lock -o requirements-local.lock
	@$(LOCK) --group dev -c requirements-local.lock -o requirements-dev.lock
	@$(filter-out pyproject.toml,$(LOCK)) bench/requirements.in -o bench/requirements.lock

# The peers of a benchmark live in an environment of their own: ministack pins botocore.
.venv-bench/.installed: bench/requirements.lock | setup
	@$(UV) venv --quiet --clear --python $(PY) .venv-bench
	@$(UV) pip sync --quiet --compile-bytecode --python .venv-bench/bin/python --require-hashes $<
	@touch $@

bench: setup .venv-bench/.installed ## measure everything beside its peers: hours (ARGS="eventbus --runs 1", ARGS=--help)
	@$(PY) -m bench $(or $(ARGS),all)

bench-smoke: setup .venv-bench/.installed ## a few records through every bench: it runs, and what comes out is right
	@$(PY) -m bench all --smoke

bench-page: setup ## write the tables of docs/benchmarks.md from the runs of make bench (ARGS=NAME writes one)
	@$(PY) -m bench page $(ARGS)

profile: setup .venv-bench/.installed ## where analyzer, producer and notifier spend their time (ARGS="analyzer", ARGS=--help)
	@$(PY) -m bench profile $(ARGS)

up: ## run the suite in containers (Docker Compose)
	docker compose up --build --wait

down: ## stop the containers and drop their data
	docker compose down --volumes

clean: ## remove the virtual environment and what the demo keeps
	rm -rf $(VENV) .venv-bench .cardwatch
