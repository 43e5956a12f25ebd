"""Published attendance made into registers again: our figures must be those that were published.

DfE publishes percentages of possible sessions: by fortnight with two decimals (bundled with the reports), and by reason
with six (`published_by_reason.csv`). A school of 1,000 pupils has 10,000 sessions a week, so that a percentage of two
decimals is a whole number of sessions. Parts and wholes were rounded one by one: where authorised and unauthorised absence
do not come to the absence that is left, by one in the last place, the attendance and the authorised absence are taken.

`benchmarks/published_counts.py` does the same with a hundred million marks for each row, where six decimals are exact.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from exam_school import calendar
from published_registers import (
    AUTHORISED,
    UNAUTHORISED,
    largest_remainders,
    marks_of,
    not_possible,
    published_by_reason,
    published_weeks,
    school_of,
)

from attendance_pipeline.derive.codes import by_class, by_code
from attendance_pipeline.derive.groups import GROUP_KINDS, Grouping, group_columns
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.table_files import write_table

YEAR = calendar()
PUPILS, DAYS = 2_000, 90
POSSIBLE = PUPILS * DAYS * 2


def school_row(inputs, last):
    """The row of the table `groups` for the school's year to date."""
    window = count_school(inputs, 0, last).window(0, last)
    persistent, severe = (absent_from(name, YEAR.date(last)) for name in ("persistent", "severe"))
    everyone = np.ones(len(inputs), dtype=bool)
    columns = group_columns(Grouping.of("s", inputs.pupils), (window,) * 3, everyone, persistent, severe)
    chosen = (columns["kind"] == GROUP_KINDS.index("school")) & (columns["measure"] == 0)
    return {name: column[chosen][0] for name, column in columns.items()}


def percent(part, whole):
    return Fraction(int(part) * 100, int(whole))


def test_a_week_for_every_published_fortnight_phase_and_region():
    rounded = n = 0
    phases = set()
    for n, row in enumerate(published_weeks(), start=1):
        attendance, authorised, unauthorised = (
            Decimal(row[f"{name}_percent"]) for name in ("attendance", "authorised", "unauthorised")
        )
        parts = {"/": attendance, "I": authorised, "O": 100 - attendance - authorised}
        school = school_row(school_of(marks_of(largest_remainders(parts, 10_000), 1_000, 5, None, n), YEAR), 4)
        assert school["possible"] == 10_000
        assert percent(school["attended"], 10_000) == Fraction(attendance)
        assert percent(school["authorised"], 10_000) == Fraction(authorised)
        off = percent(school["unauthorised"], 10_000) - Fraction(unauthorised)
        assert abs(off) <= Fraction(1, 100)
        rounded += off != 0
        phases.add(row["phase"])
    assert n > 800 and phases == {"Primary", "Secondary", "Special", "All"}
    assert 0 < rounded < n / 2  # published figures were rounded one by one


@pytest.mark.parametrize("published", published_by_reason(), ids=lambda p: f"{p.area} {p.phase}")
def test_counts_by_code(published):
    """360,000 marks for each row, and five days of marks that count in nothing."""
    counts = published.counts(POSSIBLE)
    persistent = round(published.percent["persistent"] * PUPILS / 100)
    seed = sum(map(ord, published.area + published.phase))
    marks = np.concatenate([marks_of(counts, PUPILS, DAYS, persistent, seed), not_possible(PUPILS, 5, seed)], axis=1)
    inputs = school_of(marks, YEAR)
    last = DAYS + 5 - 1
    table = by_code(inputs, 0, last).astype(np.int64).sum(axis=0)
    counted = {c: int(table[CODES.number(c)]) for c in counts if c != "/"}
    counted["/"] = int(table[CODES.number("/")] + table[CODES.number("\\")])
    assert counted == counts

    row = school_row(inputs, last)
    assert (row["possible"], row["persistent"]) == (POSSIBLE, persistent)
    classes = by_class(table)
    assert row["attended"] == classes["present"] + classes["approved_activity"]
    assert (row["authorised"], row["unauthorised"]) == (classes["authorised"], classes["unauthorised"])

    # Whole sessions are as near to what was published as 360,000 of them can be.
    one = Fraction(100, POSSIBLE)
    for name, codes in (("attendance", None), ("authorised", (*AUTHORISED, "H")), ("unauthorised", UNAUTHORISED)):
        sessions = row["attended"] if codes is None else sum(counts[c] for c in codes)
        assert abs(percent(sessions, POSSIBLE) - Fraction(published.percent[name])) < len(counts) * one
    for code in (*AUTHORISED, *UNAUTHORISED):
        assert abs(percent(counted[code], POSSIBLE) - Fraction(published.percent[code])) < one + Fraction(2, 10**6)
    assert abs(percent(row["persistent"], PUPILS) - Fraction(published.percent["persistent"])) <= Fraction(50, PUPILS)


def test_exported_ratios_are_the_exact_fractions_to_six_places(tmp_path):
    """Every ratio of every pupil and school above as a file says it: never further off than half of the last place."""
    import pandas as pd

    published = next(published_by_reason())
    inputs = school_of(marks_of(published.counts(POSSIBLE), PUPILS, DAYS, 275, 1), YEAR)
    windows = [count_school(inputs, 0, d).window(0, d) for d in (0, 3, 44, DAYS - 1)]
    attended = np.concatenate(
        [w.attended for w in windows] + [[int(w.attended.astype(np.int64).sum())] for w in windows]
    )
    possible = np.concatenate(
        [w.possible for w in windows] + [[int(w.possible.astype(np.int64).sum())] for w in windows]
    )
    file = tmp_path / "ratios.csv"
    write_table([pd.DataFrame({"attendance": attended / possible})], file)
    written = file.read_text().split()[1:]
    assert len(written) == len(attended) == 4 * PUPILS + 4
    for text, a, p in zip(written, attended, possible, strict=True):
        assert len(text.partition(".")[2]) == 6
        assert abs(Fraction(Decimal(text)) - Fraction(int(a), int(p))) <= Fraction(1, 2 * 10**6)
