# Sets up, runs and checks mxtrials. Targets that need .venv first create it from requirements.lock.
#   ARGS=...    more arguments:      make test ARGS="-k resume -x"
#   SPEC=...    another study:       make run SPEC=mlp-asha
#   PYTHON=...  another interpreter: make test PYTHON=/opt/python3.10/bin/python3

SPEC ?= quickstart
BIN := .venv/bin
PACKAGES := mnist_core cluster jobs
UV_VERSION := 0.13.8

.DEFAULT_GOAL := help
.PHONY: run test check format size bench soak mutants pictures lock clean help

run: .venv/.ready ## Run the quickstart study on this machine, in a new folder under runs/
	@out=runs/$(basename $(notdir $(SPEC))); n=1; free=$$out; \
	while [ -e "$$free" ]; do n=$$((n + 1)); free=$$out-$$n; done; \
	$(BIN)/mxtrials run $(SPEC) --out "$$free" $(ARGS)

test: .venv/.ready ## Run all tests in up to four processes
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.ready ## Check lint, formatting, types and import contracts
	@failed=; for tool in "ruff check" "ruff format --check" mypy "lint-imports --no-logo"; do \
		echo "$$tool"; $(BIN)/$$tool || failed="$$failed $$tool;"; \
	done; [ -z "$$failed" ] || { echo "make check failed:$$failed"; exit 1; }

format: .venv/.ready ## Format the code and fix what the linter can fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

size: .venv/.ready ## Show how many files and lines each folder has
	@$(BIN)/python -m tests.support.size

bench: .venv/.bench ## Run the benchmarks against PyTorch and Ray Tune (installs both first: large)
	@$(BIN)/mxtrials bench $(ARGS)

soak: .venv/.ready ## Run 5,000 short trials (ten minutes); fail if memory, threads or open files grow
	@$(BIN)/python -m tests.soak $(ARGS)

mutants: .venv/.mutants ## Change the code in 3,000 places, one at a time; list the changes that no test notices
	@$(BIN)/python -m tests.mutants $(ARGS)

pictures: .venv/.ready ## Draw the pictures of README.md and docs/ from a run of the quickstart (needs Chromium)
	@[ -e runs/pictures ] || $(BIN)/mxtrials run quickstart --out runs/pictures
	@$(BIN)/python -m tests.pictures_of_a_run runs/pictures

lock: build/uv/bin/uv ## Pin all dependencies (ARGS=--upgrade for newer versions)
	$(call pin,requirements.lock,--extra cpu --extra dev)
	$(call pin,deploy/requirements.lock,--extra cpu)
	$(call pin,deploy/requirements-gpu.lock,--extra gpu)

clean: ## Remove .venv, caches and build products; keep runs/
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Recreates .venv if it was moved or copied, or its Python is gone: .packages holds the folder it was created in.
ifneq ($(shell [ -x $(BIN)/python ] && cat .venv/.packages 2>/dev/null),$(CURDIR))
.PHONY: .venv/.packages
endif

.venv/.packages: requirements.lock
	@PYTHON="$(PYTHON)" sh deploy/setup-venv.sh
	@echo "$(CURDIR)" > $@

.venv/.ready: .venv/.packages pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check > /dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $@

.venv/.bench: .venv/.ready
	$(BIN)/python -m pip install --disable-pip-version-check --no-build-isolation --editable '.[cpu,bench]'
	@touch $@

.venv/.mutants: .venv/.ready
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --editable '.[cpu,mutants]'
	@touch $@

build/uv/bin/uv:
	@$(or $(PYTHON),python3) -m venv build/uv
	@build/uv/bin/pip install -qq --disable-pip-version-check uv==$(UV_VERSION)

# Both Python versions get the same packages if one version suits both ("fewest"); the hashes cover every file of a
# release. The lock files name no package index.
pin = build/uv/bin/uv pip compile pyproject.toml --quiet --universal --fork-strategy fewest --python-version 3.10 \
	--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
	--extra build $(2) $(ARGS) --output-file $(1)
