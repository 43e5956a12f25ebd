"""Every module says in its docstring what belongs in it."""

import ast

from source_modules import modules


def test_every_module_has_a_docstring():
    without = [m.file for m in modules() if not (ast.get_docstring(ast.parse(m.text)) or "").strip()]
    assert without == []
