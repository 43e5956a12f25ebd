"""Fixtures that every test may use (they live in `tests/support`, one module per concern), and in which order files run."""

import os

pytest_plugins = ["warehouses"]

_WHOLE_NIGHTS = ("faults", "whole_term", "command", "dagster_graph", "corrections", "engine", "steps")
"""Folders whose files run whole nights, heaviest first: begun last, one of them would be what all the others wait for."""


def pytest_collection_modifyitems(config, items):
    rank = {folder: place for place, folder in enumerate(_WHOLE_NIGHTS)}
    tests = config.rootpath / "tests"

    def of(item):
        inside = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        return rank.get(inside, len(rank))

    items.sort(key=of)  # stable: within a folder as they were


def pytest_xdist_auto_num_workers(config):
    """Half as many again as there are processors: a good part of these tests waits, for a daemon or for the disk."""
    return (os.cpu_count() or 1) * 3 // 2 or 1
