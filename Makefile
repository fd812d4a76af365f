# Two commands do everything on a fresh machine: `make app` and `make test`.
# PYTHON=python3.12 chooses the interpreter, VENV=folder where the environment goes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Pinned by hand: the check a training service runs on an upload. It goes into a folder of its own,
# for its own dependencies would pull typer and rich back by years.
TOGETHER := together==1.5.35 tabulate==0.10.0 eval_type_backport==0.4.0

.PHONY: help app install test lint bench format constraints clean

help:
	@echo "make app      install what is missing, then open Tiebreak with its sample project"
	@echo "make test     install what is missing, then run every check and the whole test suite"
	@echo "make install  the environment in $(VENV), and a browser for the tests where none is found"
	@echo "make bench    measure start, labelling, rates and memory; BENCH=--quick tries it"

app: $(VENV)/.installed
	$(BIN)/tiebreak app

install: $(VENV)/.installed $(VENV)/.together $(VENV)/.browser

test: install lint
	$(BIN)/python -m pytest -n logical --dist worksteal

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks.run $(BENCH)

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Names and versions only: an address of an index would tie the project to one machine.
constraints: $(VENV)/.installed
	$(BIN)/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==[^ @]+$$' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Tiebreak needs Python 3.11 or newer; $(PYTHON) is %d.%d. Say which to use: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,postgres]'
	@touch $@

$(VENV)/.together: Makefile | $(VENV)/.installed
	rm -rf $(VENV)/together
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/together $(TOGETHER)
	@touch $@

# Debian's browser where we may install it, else Playwright's own. Without one the tests fail: they do not skip.
$(VENV)/.browser: | $(VENV)/.installed
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	     && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends chromium; } \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && $(BIN)/playwright install --with-deps chromium; } \
	|| $(BIN)/playwright install chromium
	@touch $@
