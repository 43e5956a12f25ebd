"""What a failure of the database means, in words: what happened, what is not lost, and what a person does.

Belongs here: telling the failures that a person can mend (a full disk, a lock, a damaged file, a server that restarts)
from faults of the program. Not here: transactions (`warehouse.py`), and any value of a row: no message of the database
itself is repeated.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy as sa

_NOTHING = "Nothing of what was being written is kept, and nothing before it is lost"
_DAMAGED = (
    "the warehouse {where} is damaged: some of its bytes are not what was written. Stop the program, keep the damaged "
    "file, restore the last backup (attendance restore), drop the extracts made since into the inbox again, then run "
    "again (docs/reliability.md). Nothing was changed"
)
# SQLite's primary result codes (sqlite.org/rescode.html); an extended code holds its primary one in the last byte.
_SQLITE: Final = {
    sqlite3.SQLITE_FULL: f"the disk of the warehouse {{where}} is full: make room, then run again. {_NOTHING}",
    sqlite3.SQLITE_BUSY: "another program holds the warehouse {where} and did not let go of it: close it (a database "
    f"browser, a backup that copies the file), then run again. {_NOTHING}",
    sqlite3.SQLITE_READONLY: "the warehouse {where} cannot be written to: give this account write access to the file "
    f"and its folder, then run again. {_NOTHING}",
    sqlite3.SQLITE_CANTOPEN: "the warehouse {where} cannot be opened: see that its folder is there, is not full and "
    f"that this account may write to it, then run again. {_NOTHING}",
    sqlite3.SQLITE_IOERR: "the disk of the warehouse {where} did not read or write as it should: see that it is "
    f"connected, not full and healthy, then run again. {_NOTHING}",
    sqlite3.SQLITE_NOMEM: f"this machine ran out of memory: close other programs, then run again. {_NOTHING}",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_SQLITE_LOCKED = sqlite3.SQLITE_LOCKED
_GONE = (
    "the database server of {where} did not answer, or broke off: it may be restarting. See that it runs, then run "
    f"again. {_NOTHING}"
)
# By the first two characters of PostgreSQL's SQLSTATE (appendix A of its manual).
_POSTGRES: Final = {
    "": _GONE,
    "08": _GONE,
    "57": _GONE,
    "28": "the database server refuses this account for {where}: correct the account or its password, then run again",
    "3D": "the database server has no database {where}: correct store.database, or make it, then run again",
    "53": "the database server of {where} is short of disk, memory or connections: make room, then run again. "
    f"{_NOTHING}",
    "25": "the database {where} takes no changes now (read-only): connect to the server that does, then run again",
    "40": f"another program's work on {{where}} got in the way: run again. {_NOTHING}",
    "55": f"another program holds a lock in {{where}}: close it, then run again. {_NOTHING}",
    "XX": _DAMAGED,
}


def damaged(where: str) -> str:
    """What is said of a damaged warehouse."""
    return _DAMAGED.format(where=where)


def in_words(error: sa.exc.DBAPIError, where: str) -> str | None:
    """What a failure means and what to do; None for one that only the program's makers can mend.

    `where`: the warehouse's file or address, without a password.
    """
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        text = _SQLITE.get(sqlite3.SQLITE_BUSY if code == _SQLITE_LOCKED else code)
    elif isinstance(error, sa.exc.OperationalError | sa.exc.InternalError) or error.connection_invalidated:
        text = _POSTGRES.get((getattr(cause, "sqlstate", None) or "")[:2])
    else:
        text = None
    return None if text is None else text.format(where=where)
