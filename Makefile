PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

.PHONY: help setup format lint types layers test test-ros demo bench docs check clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

# A sourced ROS 2 keeps what its tools import in the system's Python packages.
$(VENV)/run.stamp: setup.py constraints.txt
	$(PYTHON) -m venv $(if $(ROS_DISTRO),--system-site-packages) $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/all.stamp: $(VENV)/run.stamp
	$(PIP) -e '.[train,dds,openvino,dev]'
	touch $@

setup: $(VENV)/all.stamp ## Install everything into .venv

demo: $(VENV)/run.stamp ## Run the main job on an embedded drive (run-time packages only)
	$(BIN)/xspec demo --out out/demo

format: setup ## Format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: setup ## Ruff
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: setup ## Mypy, strict
	$(BIN)/mypy

layers: setup ## Who may import whom
	$(BIN)/pytest test/test_layers.py

test: lint types ## All checks and tests
	$(BIN)/pytest -n 2 --dist worksteal

test-ros: setup ## Tests that need a sourced ROS 2 (sourced before `make setup` too)
	$(BIN)/python -m pytest test/nodes test/test_ament.py

bench: setup ## The benchmarks (long)
	$(BIN)/python -m benchmarks

docs: setup ## Regenerate the generated tables in docs/
	$(BIN)/python docs/generate.py

check: lint types layers ## What a commit must pass

clean: ## Remove what was built
	rm -rf $(VENV) build dist *.egg-info out .mypy_cache .ruff_cache .pytest_cache
