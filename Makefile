# Everything starts from python3 (with venv), make and git: each target installs what it needs the first time.
# Downloads and builds are kept in $(CACHE), outside the tree, so that a second run is quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

CACHE ?= $(or $(VIDEOJOB_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/videojob)
export VIDEOJOB_CACHE := $(CACHE)
# Tests start hundreds of Python processes: each loads what an earlier one compiled, also where the shell forbids to keep it.
unexport PYTHONDONTWRITEBYTECODE
UV_VERSION := 0.13.9
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
VENV := .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- use

.PHONY: demo
demo: $(VENV)/.stamp ## render a slideshow on a real one-node cluster that this starts
	@hack/bootstrap base cluster
	@$(MAKE) --jobs 2 binaries images  # most of a first run; neither has the processors busy all the time
	@hack/cluster/cluster up
	@hack/images
	@hack/install
	@hack/cluster/cluster metrics || true  # where another Prometheus is, the demo goes without
	@$(PY) -m hack.demo

.PHONY: cluster-up
cluster-up: $(VENV)/.stamp ## start a one-node Kubernetes; kubeconfig in .cluster/kubeconfig
	@hack/bootstrap cluster
	@hack/cluster/cluster up

.PHONY: cluster-down
cluster-down: ## stop it and leave nothing behind
	@hack/cluster/cluster down

.PHONY: binaries
binaries: # the cluster's programs
	@hack/cluster/cluster binaries >/dev/null

.PHONY: page
page: ## build the gateway's page, which `videojob-gateway` then serves at /
	@hack/page

.PHONY: images
images: $(VENV)/.stamp ## build the images; with PUSH=1 REGISTRY=... TAG=... push them
	@hack/bootstrap cluster
	@hack/images

.PHONY: release
release: $(VENV)/.stamp ## push images and chart of what is committed, write wheels; REGISTRY=... VERSION=...
	@hack/release

.PHONY: install
install: $(VENV)/.stamp ## install the chart; CLUSTER=current REGISTRY=... TAG=... for your own cluster
	@hack/install

# --- check

.PHONY: test
test: $(VENV)/.stamp ## lint and every test, on a real cluster; stops what it started
	@hack/test

.PHONY: test-unit
test-unit: $(VENV)/.stamp ## the tests that need no cluster and no service
	@hack/bootstrap base
	@$(PYTEST) tests/unit

.PHONY: test-fast
test-fast: $(VENV)/.stamp ## unit, render and queue tests, two processes side by side; no cluster, no API server
	@hack/bootstrap base
	@$(PYTEST) -n 2 tests/unit tests/render tests/integration/queue

.PHONY: test-cluster
test-cluster: $(VENV)/.stamp ## start and stop the one-node cluster itself, and look for what is left
	@hack/bootstrap cluster
	@$(PYTEST) tests/cluster

.PHONY: lint
lint: $(VENV)/.stamp ## formatting, lint, types, import directions
	@$(VENV)/bin/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy contract/videojob_contract common/videojob_common client/videojob_client operator/videojob_operator \
	  worker/videojob_worker cli/videojob_cli gateway/videojob_gateway
	@MYPYPATH=hack/cluster $(VENV)/bin/mypy hack/cluster/node hack/cluster/imaging hack/demo.py hack/effects.py hack/media.py
	@$(VENV)/bin/lint-imports --no-cache | tail -n 5

.PHONY: format
format: $(VENV)/.stamp ## format and mend what can be mended
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --quiet --fix .

.PHONY: generate
generate: $(VENV)/.stamp ## write the generated files: CRDs, install manifest, reference, metrics
	@hack/generate

.PHONY: gallery
gallery: $(VENV)/.stamp ## render the samples and draw docs/gallery.md
	@hack/bootstrap base
	@$(PY) -m hack.gallery

.PHONY: screenshots
screenshots: $(VENV)/.stamp ## take the pictures of the page for the documentation, by a test of it
	@hack/bootstrap base cluster browser
	@mkdir -p docs/pictures
	@VIDEOJOB_SCREENSHOTS=docs/pictures $(PYTEST) -q tests/web/test_views.py

.PHONY: verify
verify: $(VENV)/.stamp ## fail when a generated file differs from its source
	@hack/generate --verify

.PHONY: bench
bench: $(VENV)/.stamp ## measure renders beside MoviePy and ffmpeg; ROWS="photographs many ..." for some; JSON in .bench/
	@hack/bootstrap base
	@$(PY) -m bench.render $(if $(ROWS),--rows $(ROWS)) $(if $(SKIP),--skip $(SKIP))

.PHONY: bench-memory
bench-memory: $(VENV)/.stamp ## compare predicted and measured peaks of memory; ONLY="slideshow titles" for some; JSON in .bench/
	@hack/bootstrap base
	@$(PY) -m bench.memory $(if $(ONLY),--only $(ONLY))

.PHONY: bench-prediction
bench-prediction: $(VENV)/.stamp ## compare what samples are predicted to take with what they take; JSON in .bench/
	@hack/bootstrap base
	@$(PY) -m bench.prediction

.PHONY: bench-cluster
bench-cluster: $(VENV)/.stamp ## measure latency, API writes and memory on the one-node cluster
	@PYTHONPATH=. $(PY) bench/cluster.py

.PHONY: bench-control
bench-control: $(VENV)/.stamp ## measure the control plane with 100, 1,000 and 10,000 VideoJobs; ROWS="100 1000"; GATE=1 compares; PEERS="naive kueue keda"
	@hack/bootstrap base
	@$(PY) -m bench.control $(if $(ROWS),--rows $(ROWS)) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) $(if $(PEERS),--peers $(PEERS)) \
	  $(if $(GATE),--gate) $(if $(RECORD),--record)

.PHONY: bench-gateway
bench-gateway: $(VENV)/.stamp ## measure the gateway with 10,000 VideoJobs and 5,000 live clients; COUNT=, LIVE=, ONLY="submit files"
	@hack/bootstrap base bench
	@$(PY) -m bench.gateway $(if $(COUNT),--count $(COUNT)) $(if $(LIVE),--live $(LIVE)) $(if $(ONLY),--only $(ONLY))

.PHONY: bench-fairness
bench-fairness: $(VENV)/.stamp ## simulate 20,000 jobs of 50 users on the queue's scripts, in each order
	@$(PY) bench/fairness.py

.PHONY: fuzz
fuzz: $(VENV)/.stamp ## render broken media and odd specs for SECONDS=60; SEED=... FIRST=... CASES=1 to run one again
	@hack/bootstrap base
	@$(PY) -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(FIRST),--first $(FIRST)) $(if $(CASES),--cases $(CASES))

.PHONY: chaos
chaos: $(VENV)/.stamp ## kill, freeze, cut off and refuse everything while VideoJobs render; ARGS="--seed 7 --rounds 10 --jobs 100"
	@hack/bootstrap base
	@$(PY) -m tests.chaos $(ARGS)

.PHONY: corpus
corpus: $(VENV)/.stamp ## render every file of the folder DIR=... beside ffmpeg, Pillow and Chromium; SAMPLE=20 of each suffix
	@hack/bootstrap base
	@$(PY) -m tests.corpus $(DIR) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(JSON),--json $(JSON))

# --- environment

.PHONY: venv
venv: $(VENV)/.stamp ## make .venv from the locked requirements

$(VENV)/.stamp: requirements/dev.txt pyproject.toml $(wildcard */pyproject.toml) | $(UV)
	@echo "==> python environment in $(VENV)"
	@test -x $(PY) || $(UV) venv --quiet --python "$$(command -v python3)" $(VENV)
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation \
	  -e contract -e common -e client -e operator -e worker -e cli -e gateway
	@touch $@

$(UV):
	@echo "==> uv $(UV_VERSION)"
	@python3 -m venv $(CACHE)/uv-$(UV_VERSION)
	@$(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet --require-hashes --requirement requirements/uv.txt

COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
  --no-annotate --no-header --no-emit-package videojob-contract --no-emit-package videojob-common \
  --no-emit-package videojob-client \
  --no-emit-package videojob-operator --no-emit-package videojob-worker --no-emit-package videojob-cli \
  --no-emit-package videojob-gateway
.PHONY: lock
lock: $(UV) ## update the locked requirements, to the newest with UPGRADE=--upgrade
	@$(COMPILE) $(UPGRADE) pyproject.toml --group dev --group media --group bench -o requirements/dev.txt
	@$(COMPILE) $(UPGRADE) --group pyproject.toml:build -o requirements/build.txt
	@$(COMPILE) $(UPGRADE) operator/pyproject.toml -o requirements/operator.txt
	@$(COMPILE) $(UPGRADE) worker/pyproject.toml -o requirements/worker.txt
	@$(COMPILE) $(UPGRADE) gateway/pyproject.toml -o requirements/gateway.txt
	@$(COMPILE) $(UPGRADE) cli/pyproject.toml -o requirements/cli.txt
	@echo 'uv==$(UV_VERSION)' | $(COMPILE) - -o requirements/uv.txt
	@if test -f requirements/go.in; then $(COMPILE) $(UPGRADE) requirements/go.in -o requirements/go.txt; fi

.PHONY: clean
clean: cluster-down ## stop the cluster and remove what was built in the tree; the cache stays
	@rm -rf $(VENV) .cluster .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
