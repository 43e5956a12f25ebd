"""Preview: one letter of the ledger as a page to look at, before or after somebody decides of it.

Belongs here: gathering what that one letter needs. Not here: making a batch (`deliver.py`), words or pages
(`letters/`). The page names a family: it is for the person who asked, and not for a log.
"""

from __future__ import annotations

from attendance_pipeline.letters.batch import BatchInputs, letter_of
from attendance_pipeline.letters.from_roll import log_entries, pupils_on_paper
from attendance_pipeline.letters.html import render_html
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow
from attendance_pipeline.letters.letter import LetterError
from attendance_pipeline.letters.templates import TemplateError, Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_interventions, current_pupils
from attendance_pipeline.steps.propose import letterhead_of
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import ledger


class Unprintable(ValueError):
    """A letter that cannot be made as it stands; says why, without a value of a person."""


def page_of(site: Site, reference: str) -> bytes:
    """The letter as one page of HTML, dated the day it came to be proposed. Raises Unprintable."""
    with site.warehouse.read() as conn:
        asked = ledger.read_letters(conn, references=[reference])
    school = next((one for one in site.schools() if asked and one.id == asked[0]["school"]), None)
    if school is None:
        raise Unprintable(f"{reference}: there is no such letter")
    with site.warehouse.read() as conn:
        stored = with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
        entries = log_entries(current_interventions(conn, school.id))
    rows = [LedgerRow.from_store(r, school.calendar) for r in stored]
    wanted = next(row for row in rows if row.reference == reference)
    together = [
        row
        for row in rows
        if (row.person_id, row.kind, row.entered) == (wanted.person_id, wanted.kind, wanted.entered)
        and row.state == wanted.state
    ]
    templates = Templates(site.home.letter_templates)
    inputs = BatchInputs(
        school_id=school.id,
        date=wanted.entered or wanted.proposed_on,
        rows=together,
        held=(),
        pupils=paper,
        letterhead=letterhead_of(school),
        templates=templates,
        layout=site.home.layout,
        household=school.policy.setting.letters.household,
        log={wanted.person_id: [e for e in entries if e.person_id == wanted.person_id]},
        penalty_notices=school.policy.setting.penalty_notices,
        authority=school.local_authority_name or "",
    )
    try:
        return render_html(
            letter_of(inputs, reference),
            inputs.letterhead,
            layout=inputs.layout,
            templates=templates,
            note=f"{wanted.state}: not for posting. The print file is the letter." if wanted.state != "sent" else "",
        )
    except (LetterError, TemplateError) as error:
        raise Unprintable(str(error)) from None
    except (KeyError, TypeError, ValueError):
        raise Unprintable(f"{reference}: the ledger holds no figures for it") from None
