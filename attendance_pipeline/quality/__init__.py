"""Is a day's register believable? Plausibility of whole days and classes, after the rows themselves were checked.

Rows are the business of `mis/schemas.py`. What a finding means for a letter is the business of `letters/`.
"""
