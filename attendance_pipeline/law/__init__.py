"""What law and policy say: dated data with a source, and the code that reads a date's version.

Every number that comes from law or from a school's policy lives in this package's data files or in a home's own
settings. No rule is computed here (that is `derive/`), and nothing here reads a register.
"""
