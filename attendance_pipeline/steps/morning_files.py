"""Morning files: how a school's inbox is read without loading it, and which files a morning's list was made from.

Belongs here: what taking in and the morning both ask. Not here: what the files say (`mis/morning.py`), the morning's
lists (`morning.py`), loading (`intake.py`).
"""

from __future__ import annotations

import datetime as dt

from attendance_pipeline.home import School
from attendance_pipeline.mis.inbox import Listed, listing
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.morning import Reader
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.deliveries import read_deliveries

WHAT = "phone-list"
KINDS = ("register", "notifications")


def reader_of(school: School) -> Reader:
    """How the files of a school's inbox are read, as taking in reads them."""
    mapped = None if school.column_map is None else MappedFormat(school.mis, school.column_map)
    own = [DatedCodes({local: to.code}, to.valid_from, to.valid_to) for local, to in school.code_map.items()]
    return Reader(mapped or school.mis, [*(mapped.codes if mapped else ()), *own], school.keep_reasons, school.id)


def morning_listing(school: School) -> list[Listed]:
    """The register extracts and parents' forms that lie in a school's inbox, without opening one."""
    mapped = None if school.column_map is None else MappedFormat(school.mis, school.column_map)
    return listing(school.inbox, KINDS, mapped.kind_and_day if mapped else None)


def noted_mornings(site: Site, school: School) -> dict[str, dt.date]:
    """By SHA-256 the day of each register extract that a morning's list was made from."""
    with site.warehouse.read() as conn:
        return {sha: d["day"] for d in read_deliveries(conn, school.id, WHAT) for sha in d["holds"]}


__all__ = ["KINDS", "WHAT", "Listed", "morning_listing", "noted_mornings", "reader_of"]
