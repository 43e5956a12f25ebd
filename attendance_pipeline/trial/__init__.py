"""One export tried out: `attendance try` without a home, where nothing is configured and nothing is stored.

Belongs here: reading one file that nobody has described, with everything assumed and said; what the rules make of its
marks; another list beside it; and showing both. Not here: any rule (`derive/`), any reader of a format (`mis/`), any
writing of files.
"""
