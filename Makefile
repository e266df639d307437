# `make demo` and `make test` need Python 3.11 or newer and make, nothing else: everything is installed
# into a .venv in this folder, from the lock file. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
UV_VERSION := 0.13.9
BIN := .venv/bin
LOWEST := .venv-lowest/bin
WORKERS ?= 2

.PHONY: help demo test test-lowest lint notebooks format lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/.ready ## simulate a company, train, score, recommend (under two minutes)
	$(BIN)/cxml demo

test: .venv/.ready ## run every test, notebooks included
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-lowest: .venv-lowest/.ready ## run the tests on the lowest supported versions, without the notebooks
	OMP_NUM_THREADS=1 $(LOWEST)/python -m pytest -n $(WORKERS) --dist worksteal -p no:cacheprovider \
		--ignore tests/test_notebooks.py

lint: .venv/.ready ## style, types and the import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/.ready ## resolve the newest and the lowest supported versions anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras --group test --group lint pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --upgrade --resolution lowest-direct --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --all-extras --group test pyproject.toml -o requirements-lowest.lock

clean: ## remove the environments and everything trained
	rm -rf .venv .venv-lowest .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find models -mindepth 1 -not -name README.md -delete

.venv/.ready: requirements.lock pyproject.toml
.venv-lowest/.ready: requirements-lowest.lock pyproject.toml
.venv/.ready .venv-lowest/.ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cxml needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/$(@D) $(@D)/bin/uv pip install --quiet --require-hashes -r $<
	VIRTUAL_ENV=$(CURDIR)/$(@D) $(@D)/bin/uv pip install --quiet --no-deps --editable .
	@$(@D)/bin/python -c 'import lightgbm' 2>/dev/null || $(@D)/bin/python .ci/borrow_openmp.py
	@touch $@
