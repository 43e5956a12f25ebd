"""How the loops of the rules are compiled: one set of options for all of them.

Belongs here: what numba is told. Not here: any loop. A change here is not noticed by numba's cache on disk, which looks
at the file of each loop alone: clear `__pycache__` after one.

`_nrt=False`: arrays are not counted by reference. No loop makes an array of its own (numba refuses to compile one that
does), and whoever calls one holds what is passed until it ends; counting took four fifths of the ladder's time.
"""

from __future__ import annotations

from typing import Any

LOOP: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
