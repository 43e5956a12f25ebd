"""The note of the morning and the messages: what is said of a night, in words that need nobody to explain them.

Belongs here: the facts a note speaks of, what they come to (all is well, something waits, late, failed), and the text,
page and message made of them. Not here: finding the facts out or putting a note anywhere (`steps/telling.py`), and the
words of a failure (`failures.py`). Nothing here is of a pupil: counts, days, names of schools, files, folders and kinds
of failure.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from attendance_pipeline.reports.charts import render_page
from attendance_pipeline.reports.failures import kind_named, step_in_words
from attendance_pipeline.reports.figures import in_words, long_date, plural

PAGE, TEXT = "this-morning.html", "this-morning.txt"
NOT_FINISHED = "not-finished"  # the kind of a night that was to be and was not
WELL, LOOK, LATE, FAILED = "well", "look", "late", "failed"
_WORST_FIRST = (FAILED, LATE, LOOK, WELL)
_WIDTH = 96
# What lies in a delivered folder, in words.
DELIVERED = {
    "letters": "letters",
    "worklists": "worklists",
    "board": "boards",
    "classes": "class lists",
    "monitoring": "the monitoring",
    "pastoral": "the pastoral pack",
    "incentives": "prizes",
    "impact": "what corrections changed",
    "data-quality": "what to do about the data",
    "governors": "the governor report",
}
KINDS_OF_EXTRACT = {
    "register": "register",
    "pupils": "pupils",
    "contacts": "contacts",
    "classes": "classes",
    "lessons": "lessons",
    "notifications": "parents' notifications",
    "interventions": "intervention log",
}


@dataclass(frozen=True)
class Trouble:
    """Something that failed. `school`: its id, "" for the whole night. `own`: our own words, or the error's class.
    `first`, `last`: when it failed first and last, in local time; `times`: how often."""

    school: str
    step: str
    kind: str
    own: str
    first: dt.datetime
    last: dt.datetime
    times: int = 1

    @property
    def title(self) -> str:
        return kind_named(self.kind).title

    def told(self) -> list[str]:
        """What failed, what it means and what to do, a sentence or two each."""
        kind = kind_named(self.kind)
        if self.kind == NOT_FINISHED:
            many = plural(self.times, "school day")
            return [f"No night was finished since {moment(self.first)}: {many} late.", kind.means,
                    f"What to do: {kind.to_do}"]  # fmt: skip
        since = ""
        if self.times > 1:
            since = f" It has failed {in_words(self.times)} times since {moment(self.first)}."
        lines = [f"While {step_in_words(self.step)}: {kind.title}.{since}", kind.means, f"What to do: {kind.to_do}"]
        if self.own:
            lines.append(f"In the program's own words: {self.own}")
        return lines


class Line(str):
    """A line of a note. `path`: the part of it that is a file or folder below the drive, which the page links to."""

    path: str = ""


def line_of(text: str, path: str = "") -> Line:
    """A line of text, with the path in it that leads somewhere."""
    line = Line(text)
    line.path = path
    return line


@dataclass(frozen=True)
class SchoolNight:
    """One school's part of a night. `counts` None: the database could not be asked. `late`: how many school days have
    no register extract; `register_day`: the newest that has one; `expected`: the last school day that should have."""

    id: str
    name: str
    expected: dt.date | None = None
    register_day: dt.date | None = None
    late: int = 0
    is_late: bool = False
    extracts: Mapping[str, dt.date] = field(default_factory=dict)
    taken_in: int = 0
    derived: int = 0
    newest: dt.date | None = None
    delivered: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    aside: int = 0
    newly_aside: int = 0
    held: int = 0
    newly_held: int = 0
    proposed: int = 0
    failed_checks: int = 0
    unsupported: int = 0
    left_in_inbox: int = 0
    no_inbox: bool = False
    quality_folder: str = ""
    letters_folder: str = ""
    counted: bool = True
    troubles: Sequence[Trouble] = ()

    @property
    def waits(self) -> list[Line]:
        """What needs a person of this school, and where to look."""
        out: list[Line] = []

        def add(text: str, path: str, otherwise: str) -> None:
            out.append(line_of(f"{text[0].upper()}{text[1:]} {path or otherwise}", path))

        to_do = f"{self.quality_folder}/what-to-do.html" if self.quality_folder else ""
        if self.newly_aside:
            rows = plural(self.newly_aside, "row or file", "rows or files") + " newly set aside"
            in_all = _in_all(self.newly_aside, self.aside)
            add(f"{rows}{in_all}: could not be used. Look at:", to_do, "`attendance export quarantine`")
        if self.failed_checks:
            checks = plural(self.failed_checks, "check")
            day = f" of {day_in_words(self.newest)}" if self.newest else ""
            text = f"{checks} of the register{day} fell short; letters may wait for it. Look at:"
            add(text, to_do, "the checks in Dagster")
        if self.newly_held:
            letters = f"{plural(self.newly_held, 'letter')} newly held{_in_all(self.newly_held, self.held)}"
            held = f"{self.letters_folder}/held.csv" if self.letters_folder else ""
            add(f"{letters}, each with its reasons. Look at:", held, "`attendance letters list --state held`")
        if self.unsupported:
            letters = plural(self.unsupported, "letter")
            add(f"{letters} sent that would not be sent today, after corrections. Which:", "", "`attendance impact`")
        if self.no_inbox:
            text = f"There is no inbox: nothing can come, since inbox/{self.id}/ is no folder that can be read."
            add(text, "", "Make it, put it back or give access.")
        if self.left_in_inbox:
            files = plural(self.left_in_inbox, "file")
            add(f"{files} left in inbox/{self.id}/: open in a program, or not an extract.", "", "They are tried again.")
        return out

    @property
    def verdict(self) -> str:
        if self.troubles:
            return FAILED
        if self.is_late:
            return LATE
        return LOOK if self.waits else WELL


@dataclass(frozen=True)
class Night:
    """What is known on a morning. All moments are in the home's time zone.

    `trust`: the name of the home. `at`: now. `last_good`: when a night was last finished; `since`: from when on counts
    count as new. `due`: by when the next note has to be there; None when the calendars end. `missed`: how many school
    days no finished night has followed. `next_attempt`: when it is tried again, in words. `troubles`: of the whole
    night. `not_told`: what could not be told, in words. `uncounted`: why the database could not be asked.
    `unfinished`: last night is not done yet, and need not be before the note of it is due.
    """

    trust: str
    at: dt.datetime
    last_good: dt.datetime | None
    due: dt.datetime | None
    schools: Sequence[SchoolNight]
    since: dt.datetime | None = None
    missed: int = 0
    unfinished: bool = False
    due_hour: int = 8
    next_attempt: str = ""
    troubles: Sequence[Trouble] = ()
    not_told: Sequence[str] = ()
    uncounted: str = ""

    @property
    def verdict(self) -> str:
        of_schools = [s.verdict for s in self.schools]
        if self.troubles:
            of_schools.append(FAILED)
        if self.unfinished:
            of_schools.append(LATE)
        return min(of_schools, key=_WORST_FIRST.index, default=WELL)

    def failing(self) -> list[SchoolNight]:
        return [s for s in self.schools if s.troubles]

    def late(self) -> list[SchoolNight]:
        return [s for s in self.schools if s.is_late]


# ---------------------------------------------------------------- dates and moments in words


def _in_all(new: int, every: int) -> str:
    return f" ({every:,} in all)" if every > new else ""


def day_in_words(day: dt.date) -> str:
    return f"{day:%A} {long_date(day)}"


def moment(at: dt.datetime) -> str:
    return f"{day_in_words(at.date())}, {at:%H:%M}"


def late_in_words(school: SchoolNight) -> str:
    """How late a school's register is."""
    days = plural(school.late, "school day")
    if school.register_day is None:
        return f"no register extract has ever come ({days} since this school was set up)"
    return f"the newest register extract is of {day_in_words(school.register_day)}: {days} late"


# ---------------------------------------------------------------- the note


@dataclass(frozen=True)
class Part:
    """A heading and its lines; `tone`: `failed`, `late`, `look` or "" for the colour of the heading. `points`: the
    lines are points of a list."""

    heading: str
    lines: Sequence[str]
    tone: str = ""
    points: bool = True


@dataclass(frozen=True)
class Note:
    """A note as it is set: as text and as a page. `rows`: a line for each school, of a trust's note. `settings_wrong`:
    they cannot be read, so that no calendar is known."""

    school: str
    headline: str
    tone: str
    at: dt.datetime
    last_good: dt.datetime | None
    due: dt.datetime | None
    parts: Sequence[Part]
    rows: Sequence[tuple[str, str, str]] = ()
    settings_wrong: bool = False


def school_note(night: Night, school: SchoolNight) -> Note:
    """The note of one school."""
    troubles = [*night.troubles, *school.troubles]
    verdict = replace(night, schools=[school]).verdict
    parts = []
    if troubles:
        parts.append(_failed(night, troubles))
    elif night.unfinished:
        parts.append(_unfinished(night))
    if not night.troubles and school.troubles and len(night.schools) > 1:
        parts.append(Part("The other schools", ["This failure is of this school alone; the others' night went on."]))
    if school.is_late:
        parts.append(_late([school]))
    if school.waits:
        parts.append(Part("What waits for a person", school.waits, LOOK))
    if school.counted:
        parts.append(Part("What came", _came(school)))
        parts.append(Part("What was done", _done(night, school)))
    else:
        parts.append(Part("What came and what was done", [f"Not known: {night.uncounted}"]))
    return _note(night, school.name, verdict, troubles, [school] if school.is_late else [], parts)


def trust_note(night: Night) -> Note:
    """The note of all schools of the home together: what concerns all, then a line a school, the worst first."""
    failing = night.failing()
    parts = []
    if night.troubles:
        parts.append(_failed(night, night.troubles))
    elif night.unfinished:
        parts.append(_unfinished(night))
    if failing and not night.troubles:
        well = len(night.schools) - len(failing)
        lines = [f"{s.name}: {t.told()[0]} {t.told()[2]}" for s in failing for t in s.troubles]
        others = f"{plural(well, 'other school').capitalize()}: the night went on and is done." if well else ""
        parts.append(
            Part(f"{plural(len(failing), 'school').capitalize()} failed", [*lines, *filter(None, [others])], FAILED)
        )
    if late := night.late():
        parts.append(_late(late))
    if night.uncounted:
        parts.append(Part("What came and what was done", [f"Not known: {night.uncounted}"]))
    waiting = sum(bool(s.waits) for s in night.schools)
    if waiting:
        words = f"In {plural(waiting, 'school')} something waits for a person: each school's own note says what."
        parts.append(Part("What waits for a person", [words], LOOK))
    worst = sorted(night.schools, key=lambda s: (_WORST_FIRST.index(s.verdict), s.name))
    rows = [(s.name, _in_a_word(s), _in_short(s)) for s in worst]
    verdict = night.verdict
    troubles = [*night.troubles, *(t for s in failing for t in s.troubles)]
    return _note(night, night.trust, verdict, troubles, night.late(), parts, rows)


def _note(
    night: Night,
    name: str,
    verdict: str,
    troubles: Sequence[Trouble],
    late: Sequence[SchoolNight],
    parts: Sequence[Part],
    rows: Sequence[tuple[str, str, str]] = (),
) -> Note:
    not_told = [Part("What could not be told", list(night.not_told), LOOK)] if night.not_told else []
    return Note(
        school=name,
        headline=_headline(night, verdict, troubles, late, whole=bool(night.troubles) or not rows),
        tone=verdict,
        at=night.at,
        last_good=night.last_good,
        due=night.due,
        parts=[*parts, *not_told],
        rows=rows,
        settings_wrong=any(t.kind == "settings" for t in night.troubles),
    )


def _headline(
    night: Night, verdict: str, troubles: Sequence[Trouble], late: Sequence[SchoolNight], *, whole: bool
) -> str:
    if verdict == FAILED:
        if troubles[0].kind == NOT_FINISHED:
            return "No night was finished"
        if not whole:
            return f"{plural(len({t.school for t in troubles}), 'school').capitalize()} failed; the others are done"
        return f"The night failed: {troubles[0].title}"
    if verdict == LATE and night.unfinished:
        return "The night is not finished yet"
    if verdict == LATE:
        return "The register has not come" if whole else f"The register of {plural(len(late), 'school')} has not come"
    return "The night is done; something waits for a person" if verdict == LOOK else "All is well"


def _failed(night: Night, troubles: Sequence[Trouble]) -> Part:
    lines = [line for trouble in troubles for line in trouble.told()]
    if night.next_attempt:
        lines.append(f"Next attempt: {night.next_attempt}.")
    lines.append("Letters and lists that lie on the drive are those of the last good night.")
    return Part("What failed", lines, FAILED)


def _unfinished(night: Night) -> Part:
    hour = f"{night.due_hour:02d}:00"
    return Part(
        "The night is not finished yet",
        [
            "It may still run, or the machine was off at night and makes up for it now. What lies on the drive is of "
            "the last good night.",
            f"If this note still says so after {hour}: run `attendance health`, and see that the machine and the "
            "service were on.",
        ],
        LATE,
    )


def _late(schools: Sequence[SchoolNight]) -> Part:
    one = len(schools) == 1
    lines = [
        (late_in_words(s)[0].upper() + late_in_words(s)[1:] if one else f"{s.name}: {late_in_words(s)}") + "."
        for s in schools
    ]
    lines.append(
        "What to do: see that your system still writes its export and that it is put into "
        f"{f'inbox/{schools[0].id}/' if one else 'the inbox of each school'}. If the school was closed, add the day to "
        "`closures` of its calendar. When the extract comes, the next night makes up for all days."
    )
    return Part("The register has not come", lines, LATE)


def _came(school: SchoolNight) -> list[str]:
    out = []
    if school.register_day is None:
        out.append("No register extract has come yet.")
    elif school.late:
        out.append(f"Register: {late_in_words(school)}.")
    else:
        out.append(f"Register: up to {day_in_words(school.register_day)}, as it should be.")
    others = [
        f"{words} {long_date(school.extracts[kind])}"
        for kind, words in KINDS_OF_EXTRACT.items()
        if kind in school.extracts and kind != "register"
    ]
    if others:
        out.append(f"The newest of the others: {', '.join(others)}.")
    if school.taken_in:
        out.append(f"{plural(school.taken_in, 'file').capitalize()} taken in since the night before.")
    return out


def _done(night: Night, school: SchoolNight) -> list[str]:
    out: list[str] = []
    if school.newest is None:
        out.append("No school day has been worked out yet.")
    elif school.derived:
        out.append(
            f"{plural(school.derived, 'school day').capitalize()} worked out, up to {day_in_words(school.newest)}."
        )
    else:
        out.append(f"Nothing was new: worked out up to {day_in_words(school.newest)}, as before.")
    for what, (folders, path) in school.delivered.items():
        more = "" if folders == 1 else f" and {plural(folders - 1, 'folder')} more"
        out.append(line_of(f"On the drive, {DELIVERED.get(what, what)}: {path}{more}", path))
    if school.held or school.proposed:
        out.append(f"In the ledger: {plural(school.proposed, 'letter')} proposed, {school.held:,} held.")
    return out


def _in_a_word(school: SchoolNight) -> str:
    return {FAILED: "failed", LATE: "late", LOOK: "to look at", WELL: "well"}[school.verdict]


def _in_short(school: SchoolNight) -> str:
    if school.troubles:
        return school.troubles[0].title
    if school.is_late:
        return late_in_words(school)
    if not school.counted:
        return "not known"
    new = [
        plural(school.newly_aside, "row or file", "rows or files") + " set aside" if school.newly_aside else "",
        plural(school.newly_held, "letter") + " held" if school.newly_held else "",
        plural(school.failed_checks, "check") + " fell short" if school.failed_checks else "",
        plural(school.unsupported, "sent letter") + " no longer supported" if school.unsupported else "",
        "no inbox" if school.no_inbox else "",
        plural(school.left_in_inbox, "file") + " left in the inbox" if school.left_in_inbox else "",
    ]
    upto = f"up to {long_date(school.newest)}" if school.newest else "nothing worked out yet"
    return ", ".join([*filter(None, new), upto])


OLD = (
    "Then the pipeline has not run, whatever stands on this page. See that the machine is on, and that the service or "
    "the scheduled task that starts the pipeline runs; `attendance health` says what it sees. Then run "
    "`attendance nightly`."
)


def _last_good(note: Note) -> str:
    return f"Last good night: {moment(note.last_good) if note.last_good else 'none yet'}."


def _due(note: Note) -> str:
    if note.due is None and note.settings_wrong:
        return "When the next note is due is not known before the settings can be read again."
    if note.due is None:
        return "The calendars have no further school day: add the next school year, or no night will follow."
    return f"A newer note is due by {moment(note.due)}. Is it later than that now?"


def as_text(note: Note) -> str:
    """The note for any program that opens a text."""
    lines = [note.headline.upper(), f"{note.school}. Attendance pipeline, {moment(note.at)}", ""]
    lines += [_last_good(note), *textwrap.wrap(f"{_due(note)} {OLD if note.due else ''}".strip(), _WIDTH), ""]
    for part in note.parts:
        lines += [part.heading, "-" * len(part.heading)]
        for line in part.lines:
            lines += textwrap.wrap(line, _WIDTH, initial_indent="* ", subsequent_indent="  ",
                                   break_long_words=False, break_on_hyphens=False)  # fmt: skip
        lines.append("")
    if note.rows:
        lines += ["The schools", "-----------"]
        width = max(len(name) for name, _, _ in note.rows)
        lines += [f"{name:<{width}}  {word:<10}  {short}" for name, word, short in note.rows]
        lines.append("")
    lines.append("No pupil stands in this note. It is renewed in its place; docs/telling.md explains it.")
    return "\n".join(lines) + "\n"


# The page itself says that it is old, to whoever opens it later; without the script the words above it say so.
_SCRIPT = (
    "var due=document.body.dataset.due;if(due&&Date.now()>Date.parse(due))document.getElementById('old').hidden=false;"
)


def _pieces(line: str) -> list[tuple[str, str, str]]:
    """A line in pieces of (kind, text, address): plain words, a command, a link from the note's folder."""
    path = line.path if isinstance(line, Line) else ""
    before, found, after = line.partition(path) if path else (line, "", "")
    out = []
    for number, text in enumerate(before.split("`")):
        out.append(("code" if number % 2 else "words", text, ""))
    if found:
        out += [("link", found, f"../../../{quote(found)}"), ("words", after, "")]
    return [piece for piece in out if piece[1]]


def as_page(note: Note) -> str:
    """The note as a page that opens from the drive without a network."""
    return render_page(
        "this-morning.html.j2",
        {
            "school": note.school,
            "headline": note.headline,
            "tone": note.tone,
            "at": moment(note.at),
            "last_good": _last_good(note),
            "due_words": _due(note),
            "due": note.due.isoformat() if note.due else "",
            "old": _pieces(OLD),
            "parts": [(part.heading, part.tone, [_pieces(line) for line in part.lines]) for part in note.parts],
            "rows": note.rows,
            "script": _SCRIPT,
            "hash": base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode(),
        },
    )


def note_files(note: Note) -> dict[str, bytes]:
    """The note as it lies in its folder. The text has the line ends that every program on Windows knows."""
    return {PAGE: as_page(note).encode(), TEXT: as_text(note).replace("\n", "\r\n").encode("utf-8-sig")}


# ---------------------------------------------------------------- messages


@dataclass(frozen=True)
class Matter:
    """Something to be told once. `key`: by which it is known again; `level`: told again when it is higher than last
    time. `kind`: failure, late, silence, recovered, good-night or test."""

    key: str
    kind: str
    subject: str
    text: str
    level: int = 0
    schools: tuple[str, ...] = ()


REMIND_AFTER = 5  # what lasts is told again after so many nights or school days


def matters(night: Night, recovered: Mapping[str, str], late_after: int, *, good_nights: bool) -> list[Matter]:
    """What is to be told by mail and webhook: failures, lateness, silence, what works again; and all is well if asked.

    `recovered`: what failed and works again, by its key, in words.
    """
    out = []
    for t in night.troubles:
        out.append(_failure(night, t, ""))
    for school in night.schools:
        out += [_failure(night, t, school.name) for t in school.troubles]
    for school in night.late():
        level = (school.late - late_after) // REMIND_AFTER
        subject = f"the register of {school.name} has not come"
        text = "\n".join([f"{school.name}: {late_in_words(school)}.", *_late([school]).lines[1:]])
        key = f"late {school.id} {school.register_day}"
        out.append(Matter(key, "late", subject, text, level, (school.id,)))
    for key, words in recovered.items():
        out.append(Matter(f"recovered {key}", "recovered", "it works again", words))
    if good_nights and night.verdict in (WELL, LOOK) and night.last_good:
        waiting = sum(bool(s.waits) for s in night.schools)
        text = f"The night of {moment(night.last_good)} is done."
        if waiting:
            text += f" In {plural(waiting, 'school')} something waits for a person: the note on the drive says what."
        subject = "all is well" if not waiting else "the night is done; something waits for a person"
        out.append(Matter(f"good night {night.last_good.isoformat()}", "good-night", subject, text))
    return out


def trouble_key(trouble: Trouble) -> str:
    return " ".join(filter(None, ["failed", trouble.school, trouble.step, trouble.kind]))


def _failure(night: Night, trouble: Trouble, school: str) -> Matter:
    lines = [f"{school}:" if school else "The night failed.", *trouble.told()]
    if school and len(night.schools) > 1:
        lines.append("The other schools' night went on.")
    if night.next_attempt:
        lines.append(f"Next attempt: {night.next_attempt}.")
    subject = f"{school}: {trouble.title}" if school else f"the night failed: {trouble.title}"
    kind = "failure"
    if trouble.kind == NOT_FINISHED:
        kind, subject, lines[0] = "silence", trouble.title, ""
    level = (trouble.times - 1) // REMIND_AFTER
    lines = [line for line in lines if line]
    return Matter(trouble_key(trouble), kind, subject, "\n".join(lines), level, (trouble.school,) * bool(school))


def message(night: Night, told: Sequence[Matter], where: str) -> tuple[str, str]:
    """Subject and text of one message about several matters. `where`: where the note lies."""
    subject = told[0].subject + (f" (and {plural(len(told) - 1, 'other matter')})" if len(told) > 1 else "")
    text = "\n\n".join(m.text for m in told)
    last = f"Last good night: {moment(night.last_good) if night.last_good else 'none yet'}."
    foot = f"{last}\nThe note: {where}\nThis message has no pupil's data in it."
    return f"{night.trust}, attendance: {subject}", f"{text}\n\n{foot}\n"
