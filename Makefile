# `make` alone lists the targets. Only relative paths here: the checkout may lie in any folder, blanks included.
# Resolved, because the environment is a link where PyTorch could not take the checkout's path (tools/python_env.sh).
PYTHON = $(shell readlink -f .nl2sql/venv)/bin/python
TEST_MODELS := qwen2.5-coder-0.5b-instruct all-minilm-l6-v2
CHECKED := -p sidecar -p tools -p bench
# Tests of a real engine take all processors, and go one by one; the others mostly wait.
ENGINE_TESTS := tests/engine tests/e2e

.DEFAULT_GOAL := help
.PHONY: help demo test unit debian13 lint fix up down status env clean install bootstrap

help: ## show this list
	@grep -E '^[a-z0-9]+:.*## ' Makefile | sed -E 's/^([a-z0-9]+):.*## /  make \1	/' | expand -t 18

demo: bootstrap ## set up everything, ask eight questions through psql, leave it running
	@tools/install_extension.sh
	@$(PYTHON) -m tools.demo demo

test: bootstrap ## set up everything and run the whole test suite
	@$(PYTHON) -m sidecar.models.cli pull --keep-download $(TEST_MODELS) </dev/null
	@tools/install_extension.sh
	@$(MAKE) --no-print-directory lint
	@failed=0; \
	$(PYTHON) -m pytest -n 2 --dist loadfile $(ENGINE_TESTS:%=--ignore=%) </dev/null || failed=1; \
	$(PYTHON) -m pytest $(ENGINE_TESTS) </dev/null || failed=1; \
	$(MAKE) --no-print-directory debian13 || failed=1; \
	exit $$failed

unit: ## unit tests and the contract between the two processes: no engine, about a minute
	@$(PYTHON) -m pytest -q -n 2 tests/unit tests/contract

# 77: it can't be had on this machine, which has been said.
debian13: ## the tests that need no engine, in a Debian 13 with PostgreSQL 17 (as root)
	@tools/debian13.sh test </dev/null || [ $$? -eq 77 ]

lint: ## ruff and mypy
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy $(CHECKED)

fix: ## format, and put right what ruff can
	@$(PYTHON) -m ruff check --fix -q .
	@$(PYTHON) -m ruff format -q .

up: bootstrap ## start the demo's cluster and sidecar
	@tools/install_extension.sh
	@$(PYTHON) -m tools.demo up

down: ## stop them
	@$(PYTHON) -m tools.demo down

status: ## say how they are doing
	@$(PYTHON) -m tools.demo status || true

env: ## print the connection's settings: eval "$$(make -s env)"
	@$(PYTHON) -m tools.demo env

clean: ## stop the demo and remove it, its data included; models and the Python environment stay
	@tools/clean.sh

install: ## install the extension into the server of PG_CONFIG, as root
	@$(MAKE) -C extension install PG_CONFIG="$${PG_CONFIG:-pg_config}"

bootstrap:
	@tools/bootstrap.sh
