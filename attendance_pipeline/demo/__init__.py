"""A fictitious school, drawn from published national rates: nobody in it exists.

Belongs here: inventing people, their marks and what staff did, and writing them as the extracts a school's system
would drop. Not here: any rule; what staff answer to is asked of `derive/`. The same seed gives the same bytes.
"""
