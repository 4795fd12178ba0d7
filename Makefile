# Thaw. The two commands that matter: `make run` and `make test`.
#
# PYTHON=python3.12            another Python (3.11 or newer) for the environment
# PORT=8502 HEADLESS=1         another port; do not open a browser
# THAW_TORCH_INDEX=ADDRESS     take torch and torchvision from this package index (README: smaller
#                              wheels for machines without an NVIDIA card)
# JOBS=4                       test processes at the same time
# THAW_BENCH_FASTAI=PYTHON     a Python that has fastai, for `make bench`; none = without fastai

PYTHON ?= python3
PORT ?= 8501
JOBS ?= 2
THAW_TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
BENCH := .venv-bench
BENCH_READY := $(if $(THAW_BENCH_FASTAI),,$(BENCH)/.ready)
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest

# A browser is opened where there is a screen to open it on.
HEADLESS ?= $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname -s))),,1)
SHOW := --server.headless $(if $(HEADLESS),true,false) --server.showEmailPrompt false

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run fmt lint type arch check test test-fast pages e2e screenshot golden docs bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_READY) ## Everything for running, testing and changing Thaw, in .venv

run: $(RUN_READY) ## Set up what is missing and open the studio (PORT=8501)
	@echo "Thaw opens at http://127.0.0.1:$(PORT)  (Ctrl-C ends it; a run in progress goes on)"
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT) $(SHOW)

check: lint type arch ## Everything that needs no test run: format, lint, types, import rules

test: $(DEV_READY) ## Set up what is missing and run every test
	$(PYTEST) -n $(JOBS) --dist loadfile -m "not e2e"
	$(PYTEST) -m e2e

test-fast: $(DEV_READY) ## Unit tests and rules only, without anything slow
	$(PYTEST) -q -n $(JOBS) --dist loadfile -m "not slow and not e2e" tests/unit tests/arch tests/docs

pages: $(DEV_READY) ## The tests of the pages
	$(PYTEST) tests/pages

e2e: $(DEV_READY) ## The tests in a real headless browser (needs Chromium)
	$(PYTEST) -m e2e

screenshot: $(DEV_READY) ## Take the README's picture anew, from the browser test
	$(PYTEST) tests/e2e/test_main_job.py
	cp out/screens/train.png docs/images/train.png

golden: $(DEV_READY) ## The runs whose every number is written down
	$(PYTEST) tests/golden

docs: $(DEV_READY) ## Check that the documentation is complete and its links lead somewhere
	$(PYTEST) -q tests/docs

fmt: $(DEV_READY) ## Format the code and repair what lint can repair
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

lint: $(DEV_READY) ## Format and lint, nothing changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

type: $(DEV_READY) ## Types (mypy, strict)
	$(BIN)/mypy

arch: $(DEV_READY) ## Who may import whom
	$(BIN)/lint-imports

bench: $(DEV_READY) $(BENCH_READY) ## Measure Thaw beside a plain loop and fastai (an hour or two)
	$(BIN)/python -m benchmarks

clean: ## Remove the environments and everything the tools left behind; your projects stay
	rm -rf $(VENV) $(BENCH) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment: made once, brought up to date when a requirements file changes ---------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Thaw needs Python 3.11 or newer; '$(PYTHON)' is missing or older." >&2; \
	  echo "Install one and name it: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make an environment. On Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }

$(RUN_READY): requirements.txt | $(BIN)/python
	@echo "Setting up .venv (the first time this takes some minutes)"
	@if [ -n "$(THAW_TORCH_INDEX)" ]; then \
	  sed -n 's/[[:space:]]*#.*//; /^torch/p' requirements.txt > $(VENV)/torch.txt && \
	  $(PIP) install --index-url "$(THAW_TORCH_INDEX)" -r $(VENV)/torch.txt; \
	fi
	@$(PIP) install -r requirements.txt
	@touch $@

$(DEV_READY): requirements-dev.txt $(RUN_READY)
	@$(PIP) install --quiet -r requirements-dev.txt
	@touch $@

# fastai, for `make bench`, beside Thaw's torch and timm but never among Thaw's own packages.
$(BENCH)/.ready: $(RUN_READY)
	@echo "Setting up $(BENCH) with fastai, to compare with"
	@$(BIN)/python -m venv $(BENCH)
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > "$$($(BENCH)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/thaw.pth"
	@$(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet 'fastai>=2.8,<2.9'
	@touch $@
