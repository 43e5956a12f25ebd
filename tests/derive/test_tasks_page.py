"""The table of tasks in docs/worklists.md is written from the catalogue: `python tests/derive/test_tasks_page.py` renews it."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.law.task_catalogue import OF_THE_LEDGER, TaskKind, shipped_catalogue

PAGE = Path(__file__).parents[2] / "docs" / "worklists.md"
BEGIN, END = "<!-- tasks: written by tests/derive/test_tasks_page.py -->", "<!-- end of tasks -->"
OWNERS = {
    "office": "office",
    "attendance-lead": "attendance lead",
    "class-teacher": "class teacher",
    "senco": "SENCO, wellbeing lead",
    "headteacher": "headteacher",
    "slt": "SLT",
}
ARISES = {
    "stage_opened": "stage {0.stage} opens",
    "monitoring": "monitoring at stage {0.stage} begins",
    "reviewed": "a review at stage {0.stage}",
    "absent_after_meeting": "each day of absence at stage {0.stage} after the meeting",
    "unresolved_n": "a code N",
    "threshold_met": "a penalty-notice threshold is met",
    "number_reached": "a number of the school's own is reached",
    "notice_to_improve_breached": "unauthorised absence in a notice's period",
    "notice_to_improve_ended": "the period of a notice has ended",
    "illness_spells": "{0.spells} spells of illness begun in the year",
    "school_weeks": "each school week",
    "letter_proposed": "a letter is proposed",
    "letter_approved": "a letter is approved",
    "letter_held": "a letter is held",
}
MOOT = {
    "stage_opened": "the stage is left",
    "monitoring": "the review, or the stage is left",
    "threshold_met": "it is met no more",
    "number_reached": "it is reached no more",
    "unresolved_n": "the register has another code",
    "school_weeks": "the next but one begins",
    **dict.fromkeys(OF_THE_LEDGER, "the letter is in another state"),
}
DUE = {"unresolved_n": "5, by the policy", "monitoring": "day of the review", "school_weeks": "last day of the weeks"}


def row(kind: TaskKind) -> str:
    owners = " + ".join(OWNERS[o] for o in kind.owner)
    closed = ", ".join(f"`{action}`" for action in kind.closed_by) or "-"
    days = kind.due_school_days
    due = DUE.get(kind.on) or ("the same day" if days == 0 else str(days))
    arises = f"every {kind.every_school_weeks} school weeks" if (kind.every_school_weeks or 1) > 1 else ARISES[kind.on]
    return f"| {kind.task} | {owners} | {arises.format(kind)} | {due} | {closed} | {MOOT.get(kind.on, '')} |"


def table() -> str:
    head = "| task | on the list of | arises | due | closed by | moot |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(row(kind) for kind in shipped_catalogue().tasks)


def renewed(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def test_the_page_says_what_the_catalogue_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page and END in page
    assert page == renewed(page), "the table is stale: python tests/derive/test_tasks_page.py"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
