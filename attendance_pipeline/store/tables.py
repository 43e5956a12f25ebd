"""The tables of the warehouse, for SQLite and PostgreSQL alike.

What belongs here: columns, keys and what each table is for. Nothing that reads or writes them. A change here needs a
migration (`migrations/versions/`); a test compares the two. Every table names its school (`school` is the id in the
settings), except `person`, because one pupil may be at two schools of a trust.

The order in which extracts were loaded is nowhere: `id` columns are names, never used to decide which extract is newer.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

School = sa.String(64)
Sha = sa.String(64)  # hexadecimal SHA-256


def _extract_key(**options: object) -> sa.Column[int]:
    return sa.Column("extract_id", sa.Integer, sa.ForeignKey("extract.id", ondelete="CASCADE"), **options)  # type: ignore[arg-type]  # column options pass through


# Pupils by UPN, each under a small number that pages can hold.
person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("upn", sa.String(13), nullable=False, unique=True),
)

# One row per accepted file. `reading` says how it was read (format and code map), so that the same file dropped again
# after a setting changed is read again. `left_out`: a `complete` register that would withdraw too much (rules.md 2).
extract = sa.Table(
    "extract",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("file_name", sa.String(255), nullable=False),
    sa.Column("recorded_on", sa.Date, nullable=False),
    sa.Column("sha256", Sha, nullable=False),
    sa.Column("reading", sa.String(64), nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("quarantined", sa.Integer, nullable=False),
    sa.Column("columns_ignored", sa.JSON, nullable=False),
    sa.Column("warnings", sa.JSON, nullable=False),
    sa.Column("left_out", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("school", "file_name", "sha256"),
    sa.Index(None, "school", "kind", "recorded_on"),
)

# What one register extract says of one date: which marks page (by its SHA-256), and on which lines (a page of
# register/statements.py). Extracts repeat weeks of marks night after night; a marks page is kept once.
statement = sa.Table(
    "statement",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _extract_key(primary_key=True, index=True),
    sa.Column("marks", Sha, nullable=False),
    sa.Column("lines", sa.LargeBinary, nullable=False),
)

marks_page = sa.Table(
    "marks_page",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("sha256", Sha, primary_key=True),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

# What a row that amended a mark says of it: the reason (the extract's Comment) and who made it. Of other rows nothing.
amendment_note = sa.Table(
    "amendment_note",
    metadata,
    _extract_key(primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("school", School, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)

# Marks that a `complete` register extract withdraws by not naming them. Worked out anew from the statements and the
# roll after each load, so it depends on what was loaded and never on when.
implied_withdrawal = sa.Table(
    "implied_withdrawal",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _extract_key(primary_key=True, index=True),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

# How the school's register extracts were last understood, `changes` or `complete`: when that setting changes, all that
# is loaded is understood anew. `log_mode`: the same of its intervention logs (null: `changes`).
school_state = sa.Table(
    "school_state",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("register_mode", sa.String(16), nullable=False),
    sa.Column("log_mode", sa.String(16), nullable=True),
)

# Rows of the other kinds, each distinct content once. `subject`: the thing that a newer row replaces (a UPN, a class,
# an entry of the intervention log).
record = sa.Table(
    "record",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("sha256", Sha, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.UniqueConstraint("school", "kind", "sha256"),
)

# Which record stood on which line of an extract: arrays `line`, `record`.
record_page = sa.Table(
    "record_page",
    metadata,
    _extract_key(primary_key=True, autoincrement=False),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

# What one lessons extract says of one date. Kept apart: never part of a statutory measure.
lesson_page = sa.Table(
    "lesson_page",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _extract_key(primary_key=True, index=True),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

# Rows and files that could not be used. `origin`: `row` (the row by itself), `file` (the whole file, which then has no
# extract), `roll` (only against everything loaded: recomputed after each load), `inbox` (a file left where it is).
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    _extract_key(nullable=True, index=True),
    sa.Column("extract", sa.String(255), nullable=False),
    sa.Column("sha256", Sha, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("column", sa.String(255), nullable=False),
    sa.Column("rule", sa.String(255), nullable=False),
    sa.Column("origin", sa.String(8), nullable=False),
    sa.Column("found_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("school", "extract", "sha256", "line", "column", "rule", "origin"),
)

# Results that can be computed again: one page per school, day and kind (measures, stages, events, cases ...).
derived_page = sa.Table(
    "derived_page",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("page", sa.LargeBinary, nullable=False),
    sa.Column("inputs_version", sa.String(64), nullable=False),
    sa.Column("computed_at", sa.DateTime, nullable=False),
)

# Pages of `derived_page` that a later derivation replaced by others, as they were at the last impact report: what that
# report compares with. A page that was replaced twice since is kept as it was first.
former_page = sa.Table(
    "former_page",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

# A hash of the marks that stood on each school day when the asset `register` last counted it ("" for none): a day whose
# marks have another one now was corrected since.
counted_day = sa.Table(
    "counted_day",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("marks", sa.String(64), nullable=False),
)

# Up to which extract (by its number) and school day the school's impact reports have spoken.
impact_log = sa.Table(
    "impact_log",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("extract_id", sa.Integer, nullable=False),
    sa.Column("day", sa.Date, nullable=True),
)

# The impact reports that were delivered, without anybody's name: `content` holds counts, dates and references of
# letters; `path` is the folder on the drive, which has the rest.
impact_report = sa.Table(
    "impact_report",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)

# The school days whose letters have been decided (steps/propose.py), and from which register version. Days that are
# derived are not remembered here: they are those that have pages.
day_log = sa.Table(
    "day_log",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("done_at", sa.DateTime, nullable=False),
    sa.Column("register_version", sa.String(64), nullable=False),
)

# One row per check of the data, about a thing (`scope`: school, class, pupil, extract ...; `subject`: which).
quality = sa.Table(
    "quality",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("scope", sa.String(16), primary_key=True),
    sa.Column("subject", sa.String(128), primary_key=True),
    sa.Column("check_name", sa.String(64), primary_key=True),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

# The letters proposed together on one date for one school, and whether the brake holds them.
batch = sa.Table(
    "batch",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("letters", sa.Integer, nullable=False),
    sa.Column("held", sa.Boolean, nullable=False, default=False),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("released_by", sa.String(128), nullable=True),
    sa.Column("released_at", sa.DateTime, nullable=True),
    sa.Index(None, "school", "day"),
)

# The ledger: every letter ever proposed, and what became of it.
letter = sa.Table(
    "letter",
    metadata,
    sa.Column("reference", sa.String(64), primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("person_id", sa.Integer, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("contact_id", sa.String(128), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("stage", sa.Integer, nullable=True),
    sa.Column("episode", sa.Integer, nullable=True),
    sa.Column("opening_day", sa.Date, nullable=True),
    sa.Column("proposed_on", sa.Date, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("batch", sa.String(64), nullable=False, default=""),
    sa.Column("language", sa.String(35), nullable=False, default="en"),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("recipient", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
    sa.CheckConstraint("state in ('proposed','approved','held','rejected','sent','superseded')", name="state"),
    sa.Index(None, "school", "person_id", "kind"),
    sa.Index(None, "school", "state"),
)

letter_event = sa.Table(
    "letter_event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reference", sa.String(64), sa.ForeignKey("letter.reference"), nullable=False, index=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("day", sa.Date, nullable=True),
    sa.Column("known_on", sa.Date, nullable=True),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
)

# Folders written to the shared drive.
# Folders of one delivery that are written and wait for their names (delivery.py). A row stands from the moment all of
# them are whole until all have their names and are in `delivery`; `run`: those that belong together.
begun_delivery = sa.Table(
    "begun_delivery",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("hidden", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("sha256", Sha, nullable=False),
    sa.Column("holds", sa.JSON, nullable=False),
    sa.Column("run", sa.String(64), nullable=False),
    sa.Index(None, "school"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("sha256", Sha, nullable=False),
    sa.Column("holds", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("school", "path"),
    sa.Index(None, "school", "what", "day"),
)

# Draws of prizes, each made once and never again: which seed it was drawn from and, by prize and year group, the
# numbered tickets and the one that won (reports/incentives.py). `week`: the Monday of its last school week.
draw = sa.Table(
    "draw",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("week", sa.Date, primary_key=True),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("seed", sa.String(64), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("drawn_at", sa.DateTime, nullable=False),
)

# What went wrong with one school while the others went on (steps/troubles.py): nothing of a pupil, and no words but our
# own. `holds`: later steps pass the school over until it is settled. `times`: how often it came back since `began_at`.
trouble = sa.Table(
    "trouble",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("school", School, nullable=False),
    sa.Column("step", sa.String(32), nullable=False),
    sa.Column("first_day", sa.Date, nullable=True),
    sa.Column("last_day", sa.Date, nullable=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("place", sa.String(128), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("holds", sa.Boolean, nullable=False),
    sa.Column("run", sa.String(64), nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("began_at", sa.DateTime, nullable=False),
    sa.Column("last_at", sa.DateTime, nullable=False),
    sa.Column("settled_at", sa.DateTime, nullable=True),
    sa.Index(None, "settled_at", "school"),
)

# Kept files from which the rows of pupils were taken out (`attendance prune`), by the SHA-256 of the bytes received: a
# tombstone. `kept_sha256`: of what is kept now ("": nothing); `taken_out`: how many rows. No pupil is in it. A file
# with such a hash is not loaded again.
removed_file = sa.Table(
    "removed_file",
    metadata,
    sa.Column("sha256", Sha, primary_key=True),
    sa.Column("kept_sha256", sa.String(64), nullable=False),
    sa.Column("before", sa.Date, nullable=False),
    sa.Column("taken_out", sa.Integer, nullable=False),
    sa.Column("removed_at", sa.DateTime, nullable=False),
)

# School days of which marks of pupils were removed: the group figures published for them stand and are not derived
# again. `marks`: the hash of the day's marks before the first removal, `marks_left`: of those left by the last one
# ("": none); a day that still has these counts as not corrected.
closed_day = sa.Table(
    "closed_day",
    metadata,
    sa.Column("school", School, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("marks", sa.String(64), nullable=False),
    sa.Column("marks_left", sa.String(64), nullable=False),
)
