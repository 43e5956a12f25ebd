"""What follows from the marks: measures, groups, the ladder, penalty notices, tiers and tasks.

Belongs here: pure functions of (register as at a time, calendar, policy, intervention log). Not here: files, databases,
clocks, Dagster, and any number of law or policy (those are read from `law/`).
"""
