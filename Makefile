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

# The floors of the two with a dash are for larger sizes: what they miss in small stops nobody.
bench: $(READY)  ## Every benchmark on SQLite, in small: bench/README.md has the sizes that the limits are for
	$(BIN)/python bench/planning.py --arms --rows 2000
	-$(BIN)/python bench/planning.py --rows 20000 --rounds 3
	$(BIN)/python bench/idle_tick.py --small 1000 --large 20000 --rounds 11
	$(BIN)/python bench/growth.py --sizes 5000 20000
	$(BIN)/python bench/memory.py --small 5000 --large 20000
	$(BIN)/python bench/rendering.py --count 500 --rounds 5
	$(BIN)/python bench/claim_and_record.py --messages 2000 --rounds 3
	$(BIN)/python bench/import_speed.py --customers 10000 --orders 30000 --rounds 2
	$(BIN)/python bench/evaluate_speed.py --rows 20000 --rounds 3
	-$(BIN)/python bench/coverage.py --seeds 4 --customers 500
	$(BIN)/python bench/kills.py --kills 5

# Hashes of every package are in the lock file, so the same ones are installed everywhere.
$(READY): requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
