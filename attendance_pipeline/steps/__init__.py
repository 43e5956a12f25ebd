"""The steps of a run, one verb a module: take in, plan, restate, check, propose, deliver.

A step reads the home and the warehouse, calls the pure functions of `derive/`, `letters/` and `reports/`, and writes in
one transaction. Assets and commands call steps; steps know nothing of Dagster. No rule and no word of a letter here.
"""
