"""Fixtures that every test may use. They live in `tests/support`, one module per concern."""

pytest_plugins = ["warehouses"]
