"""How many threads of this process a batch of letters is worth.

Belongs here: that number and its reasons. Not here: who uses them (`pdf`, `rendering_many`).
"""

MANY = 100  # letters; fewer are made before a second thread has its fonts loaded
WORKERS = 2  # each holds the pages of one chunk; a school's machine has other things to do


def workers_for(letters: int) -> int:
    """How many threads so many letters are worth."""
    return WORKERS if letters >= MANY else 1
