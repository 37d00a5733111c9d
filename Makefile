# Everything a person or a pipeline types in this clone. `make` alone lists the targets.
#
# Variables:
#   PYTHON=python3.12   the Python that creates .venv (3.11 or newer)
#   VENV=/some/venv     use this complete environment as it is; nothing is installed
#   VENV_SITE=/some/venv  the same for `make test-distributed`
#   APPROVE=yes|no      let `make demo` answer the approval by itself, as the demo operator
#   PORT=8080           the port `make demo` would like for Airflow; a free one is taken when it is busy
#   WORKERS=4           how many tests run at once
#   RUNS=200 SEED=1     how many runs `make test-chaos` makes, and the seed of the first
#   CODE=XYZ            the library that `make new-institution` and `make doctor` are about
PYTHON ?= python3
VENV ?= .venv
VENV_SITE ?= .venv-site
APPROVE ?=
PORT ?= 8080
# Tests wait about as long as they work, so few cores bear twice as many.
WORKERS ?= $(shell $(PYTHON) -c 'import os; cores = os.cpu_count() or 1; print(max(cores, min(2 * cores, 8)))')
RUNS ?= 200
SEED ?= 1
CODE ?=

BIN := $(VENV)/bin
# What has a target of its own: needs more than Python, or more than some minutes.
SEPARATE := $(patsubst %,--ignore=tests/%,bench browser chaos distributed kill)
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes -q --no-emit-index-url \
	--custom-compile-command "make lock"

# The demo's own package; the rest is on the path through the install, except in an environment given by VENV.
export PYTHONPATH := $(CURDIR)/scripts
ifneq ($(VENV),.venv)
export PYTHONPATH := $(CURDIR)/scripts:$(CURDIR)/include:$(CURDIR)/plugins
endif

# Works with an environment that is complete, installs into .venv otherwise.
ifeq ($(VENV),.venv)
BOOTSTRAP = @exec $(PYTHON) scripts/bootstrap.py --lock
else
BOOTSTRAP = @echo "Using the environment in $(VENV) as it is. Lock:"
endif

ifeq ($(VENV_SITE),.venv-site)
BOOTSTRAP_SITE = @exec $(PYTHON) scripts/bootstrap.py --lock
else
BOOTSTRAP_SITE = @echo "Using the environment in $(VENV_SITE) as it is. Lock:"
endif

.DEFAULT_GOAL := help
.PHONY: help demo sandbox stop check-config new-institution doctor coverage install install-dev test test-flow test-kill test-matrix test-chaos test-browser test-distributed run-distributed install-distributed bench lint types check audit env lock clean

help: ## List the targets
	@echo "Usage: make TARGET"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-20s %s\n", $$1, $$2 }'

demo: install ## Rehearse one purge on this machine and follow it here (APPROVE=yes or APPROVE=no answers by itself)
	@exec $(BIN)/python -m demo run --port "$(PORT)" --approve "$(APPROVE)"

sandbox: install ## Start the rehearsal tenant (Alma API and SFTP server) alone
	@exec $(BIN)/python -m demo sandbox

stop: ## End whatever `make demo` or `make sandbox` left running
	@if [ -x $(BIN)/python ]; then exec $(BIN)/python -m demo stop; else echo "Nothing is running: $(VENV) is not installed."; fi

check-config: install ## Report every mistake in the institution files, with file and line
	@exec $(BIN)/python -m alma_purge check-config

new-institution: install ## Write a commented settings file for one more library (CODE=XYZ)
	@exec $(BIN)/python -m alma_purge new-institution --code "$(CODE)"

doctor: install ## Check one institution against its Alma and SFTP server, changing nothing (CODE=XYZ)
	@exec $(BIN)/python -m alma_purge doctor --institution "$(CODE)"

coverage: install ## Tell which institutions have had no run in the last month
	@exec $(BIN)/python -m alma_purge coverage

install: ## Install the locked dependencies and this package into .venv
	$(BOOTSTRAP) requirements.txt

install-dev: ## Install the same, and the tools for tests and checks
	$(BOOTSTRAP) requirements-dev.txt

test: install-dev ## Run every test that needs nothing but Python
	@exec $(BIN)/python -m pytest -n $(WORKERS) -m "not whole_run" $(SEPARATE)

test-flow: install-dev ## Run the DAG to its end in every way, by Airflow itself, without a scheduler
	@exec $(BIN)/python -m pytest -q -n $(WORKERS) -m whole_run tests/flow

test-kill: install-dev ## Kill a real Airflow's processes with signal 9 at random and at bad moments (KILL_SEED repeats)
	@exec $(BIN)/python -m pytest -q tests/kill

test-distributed: ## Run a purge on Celery workers that share nothing but PostgreSQL, Redis and an object store
	@$(PYTHON) scripts/install_services.py; case $$? in \
	  0) exec $(MAKE) --no-print-directory run-distributed ;; \
	  3) exit 0 ;; \
	  *) exit 1 ;; \
	esac

run-distributed: install-distributed ## The same, with PostgreSQL and Redis already installed
	@exec $(VENV_SITE)/bin/python -m pytest -q -p no:cacheprovider tests/distributed

install-distributed: ## Install what `make test-distributed` needs into .venv-site
	$(BOOTSTRAP_SITE) requirements-distributed.txt

test-browser: install-dev ## Click through a purge in a real browser, open the workbook in LibreOffice, check the compose file
	@$(BIN)/python scripts/install_browser.py
	@exec $(BIN)/python -m pytest -q -p no:cacheprovider tests/browser

test-matrix: install-dev ## Spoil every changing call in every way, rerun every task, and try every awkward tenant
	@exec $(BIN)/python -m pytest -q -n $(WORKERS) tests/chaos

test-chaos: install-dev ## Let RUNS runs go wrong at random; SEED=17 RUNS=1 tells again what happened to run 17
	@exec $(BIN)/python -m tests.chaos.campaign --runs $(RUNS) --seed $(SEED)

bench: install-dev ## Measure the selection beside its floor, the review page of 100,000 people, and the reading of ninety institutions
	@$(BIN)/python tests/bench/bench_select_candidates.py
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR) $(BIN)/python tests/bench/bench_review_page.py
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR) exec $(BIN)/python tests/bench/bench_parse_dags.py

lint: install-dev ## Check style, formatting, import directions and locks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONPATH=include:plugins $(BIN)/lint-imports
	@$(BIN)/python scripts/check_locks.py

types: install-dev ## Check the types
	@exec $(BIN)/mypy

check: lint types test ## Run lint, types and test

audit: install-dev ## Ask PyPI for known vulnerabilities of the locked packages (says so when it can't be asked)
	@exec $(BIN)/python scripts/audit.py

env: ## Write .env with fresh secrets for docker-compose.yaml
	@exec $(PYTHON) scripts/make_env.py

lock: install-dev ## Compile the hash-locked requirements again from the .in files
	$(BIN)/$(LOCK) requirements.in -o requirements.txt
	$(BIN)/$(LOCK) -c requirements.txt requirements-dev.in -o requirements-dev.txt
	$(BIN)/$(LOCK) requirements-site.in -o requirements-site.txt
	$(BIN)/$(LOCK) -c requirements-site.txt requirements-distributed.in -o requirements-distributed.txt
	$(BIN)/python scripts/check_locks.py --write

clean: stop ## Remove .venv, the demo's files and all caches
	@rm -rf .venv .venv-site .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
