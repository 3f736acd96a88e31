# demo: the whole product in ten seconds; test: everything, on real SQLite, PostgreSQL and MariaDB;
# soak: the property tests, twenty times as long, and whatever does more in a soak (tests/soak.py); bench: what it costs (bench/RESULTS.md); docs: the site.
PYTHON ?= python3
ROWS ?= 5000000
BIN := .venv/bin
.PHONY: demo test soak bench lint docs clean

demo: .venv/installed          ## migrate the sample database, find the broken row, go back
	$(BIN)/visionforge demo

test: .venv/tested             ## run all tests; servers are started, and installed where missing
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

soak: .venv/tested             ## property tests with twenty times the examples, all kills, all DBMS; takes its time
	VISIONFORGE_SOAK=1 $(BIN)/pytest -m hypothesis -n 2
	VISIONFORGE_SOAK=1 $(BIN)/pytest -m 'soak and not hypothesis' -n 2 --dist loadfile

bench: .venv/benched           ## measure beside reladiff, DuckDB and the servers; ROWS=500000 is quick
	$(BIN)/python -m bench --rows $(ROWS)

lint: .venv/tested             ## formatting, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

docs: .venv/tested             ## the documentation as a site, in site/; any warning fails
	$(BIN)/mkdocs build --strict

.venv/installed: pyproject.toml setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -e .
	touch $@

.venv/tested: .venv/installed
	$(BIN)/pip install -q --disable-pip-version-check -U 'pip>=25.1'
	$(BIN)/pip install -q -e '.[postgresql,mysql,encrypt]' --group test --group lint
	touch $@

.venv/benched: .venv/installed
	$(BIN)/pip install -q --disable-pip-version-check -U 'pip>=25.1'
	$(BIN)/pip install -q -e '.[postgresql,mysql]' --group bench
	touch $@

clean:                         ## forget what was installed and built
	rm -rf .venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache visionforge-demo
