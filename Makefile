# Targets: demo, check, test, fast, bench, fuzz, soak, lock, clean. Each sets up what it needs; a second run finds it done.
VENV := .venv
# WHY recursive: the search runs only when an environment has to be made.
PYTHON ?= $(shell scripts/find-python)
RUN := $(VENV)/bin
# Further arguments: make test PYTEST_ARGS="-k kannel", make bench BENCH_ARGS="--secs 2 --rounds 1"
PYTEST_ARGS ?=
# WHY by files: what a file's tests share is made once. WHY in their order: what waits for the compiled build, which is made
# beside the tests at the lowest priority, would come first as the file with many tests that it is.
PYTEST := python -m pytest --dist loadfile --no-loadscope-reorder
BENCH_ARGS ?=
ONCE ?=

# WHY: tests start hundreds of processes, each of which would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check types units test fast bench fuzz fuzz-texts soak lock peers clean
.DEFAULT_GOAL := check

$(VENV)/.complete: requirements.lock pyproject.toml
	@test -n "$(PYTHON)"
	@echo "setting up $(VENV) with $(PYTHON)"
	@scripts/setup-venv "$(PYTHON)" $(VENV)
	@touch $@

demo: $(VENV)/.complete
	@$(RUN)/tdgate demo $(if $(filter-out 0 no false,$(ONCE)),--once)

check: $(VENV)/.complete
	$(RUN)/ruff format --check
	$(RUN)/ruff check
	$(RUN)/lint-imports
	@$(MAKE) --no-print-directory --jobs 2 types units

# WHY beside the tests: types are checked by one core, and the tests wait for nothing of it.
types: $(VENV)/.complete
	$(RUN)/mypy

units: $(VENV)/.complete
	HYPOTHESIS_PROFILE=check $(RUN)/$(PYTEST) --numprocesses 2 -q -m unit $(PYTEST_ARGS)

peers:
	@scripts/install-peers

# WHY one more than the two cores of continuous integration: many tests wait for a timer or a peer, and leave theirs idle.
test: $(VENV)/.complete peers
	$(RUN)/$(PYTEST) --numprocesses 3 $(PYTEST_ARGS)

# The hot modules compiled, installed beside the checkout: .venv-fast/bin/tdgate. Nothing happens unless the sources changed.
fast: $(VENV)/.complete
	@$(RUN)/python scripts/compiled_install.py $(VENV)-fast

bench: $(VENV)/.complete peers fast
	$(RUN)/python -m bench $(BENCH_ARGS)

# Every property test, with many more examples than `make test` spends; bounded.
fuzz: $(VENV)/.complete
	HYPOTHESIS_PROFILE=fuzz $(RUN)/python -m pytest -q -m hypothesis $(PYTEST_ARGS)
	$(MAKE) fuzz-texts

# The readers of texts, guided by coverage (atheris), FUZZ_S seconds each, in an environment of its own.
FUZZ_S ?= 60
fuzz-texts: build/fuzz/.complete
	mkdir -p build/fuzz/found
	build/fuzz/bin/python -m tests.fuzz.texts reply -max_total_time=$(FUZZ_S) -max_len=4096 -artifact_prefix=build/fuzz/found/
	build/fuzz/bin/python -m tests.fuzz.texts content -max_total_time=$(FUZZ_S) -max_len=4096 -artifact_prefix=build/fuzz/found/

build/fuzz/.complete: pyproject.toml
	"$(PYTHON)" -m venv --clear build/fuzz
	build/fuzz/bin/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	touch $@

soak: $(VENV)/.complete peers
	$(RUN)/python -m pytest -m soak $(PYTEST_ARGS)

# Resolves pyproject.toml anew. For maintainers: the result is reviewed and committed.
lock: build/lock/.complete
	build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml

build/lock/.complete:
	"$(PYTHON)" -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-fast node_modules build bench/build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
