# Two commands do everything: `make demo` and `make test`. Both set up first; nothing needs to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup test fuzz demo
setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[test]'
	$(BIN)/python -m compileall -q .venv/lib || true
	touch .venv/ready

test: setup
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 6 --dist loadfile --no-loadscope-reorder

# The readers of extracts against spoilt and hostile files, for some ten minutes; atheris has wheels for Linux alone.
fuzz: setup
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[test,fuzz]'
	FUZZ_EXAMPLES=300 $(BIN)/python -m pytest tests/mis/test_corrupted_files.py
	HOSTILE_SCALE=1 $(BIN)/python -m pytest tests/steps/test_hostile_inbox.py
	$(BIN)/python tests/fuzz/readers.py -max_total_time=180

# Makes a home with an invented school in attendance-demo/ (the next free name), runs it and says what to open.
demo: setup
	$(BIN)/attendance demo
