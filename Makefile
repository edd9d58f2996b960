# One command each. The first of them sets everything up in .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check format bench clean

demo: $(READY)  ## A generated shop, or ORDERS=FILE [PRESET=…] [PLAYBOOK=…]: the whole campaign and its report
	$(BIN)/orchestrator demo $(if $(ORDERS),--orders "$(ORDERS)") $(if $(PRESET),--preset $(PRESET)) $(if $(PLAYBOOK),--playbook "$(PLAYBOOK)")

test: $(READY)  ## All tests, in random order; those on PostgreSQL are skipped where no server answers
	$(BIN)/pytest -n auto

check: $(READY)  ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

bench: $(READY)  ## The figures of docs/operating.md, each against the limit measured in the same run
	for program in bench/bench_*.py; do echo "== $$program"; $(BIN)/python $$program || exit 1; done

# Hashes of every package are in the lock file, so the same ones are installed everywhere.
$(READY): requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
