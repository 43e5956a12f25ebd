# Two commands do everything: `make demo` and `make test`. Both set up first; nothing needs to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup test demo
setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[test]'
	$(BIN)/python -m compileall -q .venv/lib || true
	touch .venv/ready

test: setup
	$(BIN)/python -m pytest

# Makes a home with an invented school in attendance-demo/ (the next free name), runs it and says what to open.
demo: setup
	$(BIN)/attendance demo
