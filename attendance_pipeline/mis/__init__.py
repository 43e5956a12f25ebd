"""Extracts of a school's management information system (MIS): found, read, checked, kept and loaded.

One module per format turns a file into rows of text under the native column names (`registry.py` lists them); from
there on every format goes the same way. A person's value is never in a log or an exception: faults name line, column
and rule.
"""
