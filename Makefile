# Everything starts from python3 (with venv), make and git: each target installs what it needs the first time.
# Downloads and builds are kept in $(CACHE), so that a second run is quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CACHE ?= $(or $(VIDEOJOB_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/videojob)
export VIDEOJOB_CACHE := $(CACHE)
UV_VERSION := 0.13.9
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
VENV := .venv
PY := $(VENV)/bin/python
LOCKS := requirements/dev.txt requirements/operator.txt requirements/worker.txt requirements/go.txt

# --- environment

$(UV):
	@echo "==> uv $(UV_VERSION) into $(dir $(UV))"
	@python3 -m venv $(CACHE)/uv-$(UV_VERSION)
	@$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet uv==$(UV_VERSION)

.PHONY: venv
venv: $(VENV)/.stamp ## make .venv from the locked requirements

$(VENV)/.stamp: requirements/dev.txt $(wildcard */pyproject.toml) | $(UV)
	@echo "==> python environment in $(VENV)"
	@test -x $(PY) || $(UV) venv --quiet --python "$$(command -v python3)" $(VENV)
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation \
	  -e contract -e operator -e worker -e cli
	@touch $@

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
  --no-annotate --no-header --custom-compile-command "make lock" --no-emit-package videojob-contract \
  --no-emit-package videojob-operator --no-emit-package videojob-worker --no-emit-package videojob-cli
.PHONY: lock
lock: $(UV) ## update the locked requirements
	@$(COMPILE) pyproject.toml --group dev --group media --group bench -o requirements/dev.txt
	@$(COMPILE) operator/pyproject.toml -o requirements/operator.txt
	@$(COMPILE) worker/pyproject.toml -o requirements/worker.txt
