"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("released_by", sa.String(length=128), nullable=True),
        sa.Column("released_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_school_day"), ["school", "day"], unique=False)

    op.create_table(
        "day_log",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=False),
        sa.Column("register_version", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", name=op.f("pk_day_log")),
    )
    op.create_table(
        "begun_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("hidden", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("holds", sa.JSON(), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_begun_delivery")),
    )
    with op.batch_alter_table("begun_delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_begun_delivery_school"), ["school"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("holds", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("school", "path", name=op.f("uq_delivery_school_path")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_school_what_day"), ["school", "what", "day"], unique=False)

    op.create_table(
        "derived_page",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.Column("inputs_version", sa.String(length=64), nullable=False),
        sa.Column("computed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", "kind", name=op.f("pk_derived_page")),
    )
    op.create_table(
        "extract",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("columns_ignored", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extract")),
        sa.UniqueConstraint("school", "file_name", "sha256", name=op.f("uq_extract_school_file_name_sha256")),
    )
    with op.batch_alter_table("extract", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_extract_school_kind_recorded_on"), ["school", "kind", "recorded_on"], unique=False
        )

    op.create_table(
        "marks_page",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", "sha256", name=op.f("pk_marks_page")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upn", sa.String(length=13), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("upn", name=op.f("uq_person_upn")),
    )
    op.create_table(
        "quality",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("check_name", sa.String(length=64), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", "scope", "subject", "check_name", name=op.f("pk_quality")),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint("school", "kind", "sha256", name=op.f("uq_record_school_kind_sha256")),
    )
    op.create_table(
        "former_page",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", "kind", name=op.f("pk_former_page")),
    )
    op.create_table(
        "impact_log",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("extract_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_impact_log")),
    )
    op.create_table(
        "impact_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact_report")),
    )
    with op.batch_alter_table("impact_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_impact_report_school"), ["school"], unique=False)

    op.create_table(
        "counted_day",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("marks", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", name=op.f("pk_counted_day")),
    )
    op.create_table(
        "school_state",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("register_mode", sa.String(length=16), nullable=False),
        sa.Column("log_mode", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_school_state")),
    )
    op.create_table(
        "implied_withdrawal",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("extract_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_implied_withdrawal_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school", "day", "extract_id", name=op.f("pk_implied_withdrawal")),
    )
    with op.batch_alter_table("implied_withdrawal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_implied_withdrawal_extract_id"), ["extract_id"], unique=False)

    op.create_table(
        "lesson_page",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("extract_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_lesson_page_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school", "day", "extract_id", name=op.f("pk_lesson_page")),
    )
    with op.batch_alter_table("lesson_page", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lesson_page_extract_id"), ["extract_id"], unique=False)

    op.create_table(
        "letter",
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=True),
        sa.Column("episode", sa.Integer(), nullable=True),
        sa.Column("opening_day", sa.Date(), nullable=True),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("batch", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("recipient", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "state in ('proposed','approved','held','rejected','sent','superseded')", name=op.f("ck_letter_state")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_letter_person_id_person")),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_letter")),
    )
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_letter_school_person_id_kind"), ["school", "person_id", "kind"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_letter_school_state"), ["school", "state"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("extract_id", sa.Integer(), nullable=True),
        sa.Column("extract", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=255), nullable=False),
        sa.Column("rule", sa.String(length=255), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("found_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_quarantine_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "school",
            "extract",
            "sha256",
            "line",
            "column",
            "rule",
            "origin",
            name=op.f("uq_quarantine_school_extract_sha256_line_column_rule_origin"),
        ),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantine_extract_id"), ["extract_id"], unique=False)

    op.create_table(
        "amendment_note",
        sa.Column("extract_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_amendment_note_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("extract_id", "line", name=op.f("pk_amendment_note")),
    )
    with op.batch_alter_table("amendment_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_amendment_note_school"), ["school"], unique=False)

    op.create_table(
        "draw",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("school", "kind", "week", name=op.f("pk_draw")),
    )
    op.create_table(
        "trouble",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=128), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.Column("settled_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trouble")),
    )
    with op.batch_alter_table("trouble", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trouble_settled_at_school"), ["settled_at", "school"], unique=False)

    op.create_table(
        "removed_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kept_sha256", sa.String(length=64), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("taken_out", sa.Integer(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_removed_file")),
    )
    op.create_table(
        "closed_day",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("marks", sa.String(length=64), nullable=False),
        sa.Column("marks_left", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("school", "day", name=op.f("pk_closed_day")),
    )
    op.create_table(
        "record_page",
        sa.Column("extract_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_record_page_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("extract_id", name=op.f("pk_record_page")),
    )
    op.create_table(
        "statement",
        sa.Column("school", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("extract_id", sa.Integer(), nullable=False),
        sa.Column("marks", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extract.id"], name=op.f("fk_statement_extract_id_extract"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school", "day", "extract_id", name=op.f("pk_statement")),
    )
    with op.batch_alter_table("statement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statement_extract_id"), ["extract_id"], unique=False)

    op.create_table(
        "letter_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("known_on", sa.Date(), nullable=True),
        sa.Column("from_state", sa.String(length=16), nullable=False),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["reference"], ["letter.reference"], name=op.f("fk_letter_event_reference_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_event")),
    )
    with op.batch_alter_table("letter_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_letter_event_reference"), ["reference"], unique=False)
