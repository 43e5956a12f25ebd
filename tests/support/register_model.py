"""The register told again in the plainest way: dictionaries and loops, one session at a time.

Written from rules.md section 2 and contract.md section 2, not from the program; the program must agree with it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

Session = tuple[str, str, str]  # UPN, date, AM or PM


@dataclass
class File:
    """A register extract: name (which holds its recorded date), SHA-256, and rows (UPN, date, session, code)."""

    name: str
    sha256: str
    rows: list[tuple[str, str, str, str]]

    @property
    def recorded(self) -> str:
        return self.name.split("_")[1][:10]

    @property
    def order(self) -> tuple[str, str, str]:
        return self.recorded, self.name, self.sha256

    def says(self) -> dict[Session, str]:
        """What the file says of each session; sessions on which it contradicts itself are left out."""
        said: dict[Session, set[str]] = defaultdict(set)
        for upn, date, session, code in self.rows:
            said[upn, date, session].add(code)
        return {key: codes.pop() for key, codes in said.items() if len(codes) == 1}


@dataclass
class Pupil:
    group: str
    entry: str = "0001-01-01"
    leave: str = "9999-12-31"

    def on_roll(self, date: str) -> bool:
        return self.entry <= date <= self.leave


@dataclass
class Told:
    """marks and amendments of pupils on roll; left_out: names of files that would withdraw too much."""

    marks: dict[Session, str] = field(default_factory=dict)
    amendments: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def tell(files: list[File], pupils: dict[str, Pupil], complete: bool = False, as_at: str = "9999-12-31") -> Told:
    """What the files say together as at a date."""
    told = Told()
    seen: dict[Session, str] = {}
    for file in sorted(files, key=lambda f: f.order):
        says = file.says()
        if complete:
            withdrawn = _withdrawn(says, seen, pupils)
            if withdrawn is None:
                if file.recorded <= as_at:
                    told.left_out.append(file.name)
                continue
            says = {**says, **dict.fromkeys(withdrawn, "")}
        for session, code in sorted(says.items()):
            if file.recorded <= as_at and session in seen and seen[session] != code:
                told.amendments.append((*session, seen[session], code, file.name))
            if file.recorded <= as_at:
                told.marks[session] = code
            seen[session] = code
    known = {s for s in told.marks if s[0] in pupils and pupils[s[0]].on_roll(s[1])}
    told.marks = {s: code for s, code in told.marks.items() if code and s in known}
    told.amendments = [a for a in told.amendments if a[:3] in known]
    return told


def _withdrawn(says: dict[Session, str], seen: dict[Session, str], pupils: dict[str, Pupil]) -> list[Session] | None:
    withdrawn = []
    for date in {d for _, d, _ in says}:
        for session in ("AM", "PM"):
            for group in {p.group for p in pupils.values()}:
                roll = [u for u, p in pupils.items() if p.group == group and p.on_roll(date)]
                marked = [u for u in roll if says.get((u, date, session))]
                lacking = [
                    (u, date, session) for u in roll if seen.get((u, date, session)) and (u, date, session) not in says
                ]
                if lacking and 2 * len(marked) < len(roll):
                    return None
                withdrawn += lacking
    return withdrawn
