# Two commands do everything: `make serve` and `make test`. Both work from a bare Python with pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := -c constraints.txt --build-constraint constraints.txt
EXTRAS := apps,local,mcp,postgres,speech
ARGS ?=

.PHONY: help serve install test check crash bench clean
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

serve: $(VENV)/.installed ## Install if needed and start the server; options in ARGS="--port 8011"
	@exec $(BIN)/understudy serve $(ARGS)

install: $(VENV)/.installed ## Install into .venv with every extra that needs no weights

# Debian's Python comes without ensurepip unless python3-venv is there; its pip can fill a venv from outside.
$(BIN)/python:
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $@ install --quiet -c constraints.txt pip; }
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt pip

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Understudy into $(VENV) (a minute the first time) ..."
	@$(PIP) install --quiet $(PINS) -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "Installing what the checks and tests need ..."
	@$(PIP) install --quiet $(PINS) --group dev
	@touch $@

check: $(VENV)/.dev ## Lint, format check, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev ## Run every test, installing what they need
	@sh tests/install-browser.sh
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

crash: $(VENV)/.dev ## Kill the server at random moments, 50 of reading files on each database
	CRASH_POINTS=$${CRASH_POINTS:-50} CRASH_RUN_POINTS=$${CRASH_RUN_POINTS:-200} \
	  CRASH_SEED=$${CRASH_SEED:-$$(date +%s)} \
	  $(BIN)/pytest -n auto --dist loadgroup tests/crash $(ARGS)

bench: $(VENV)/.dev ## Measure against nginx and a direct connection, side by side
	$(BIN)/python -m bench $(ARGS)

clean: ## Remove everything that make created
	rm -rf $(VENV) .cache dist
