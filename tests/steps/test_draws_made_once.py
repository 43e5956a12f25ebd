"""Raffles and prize pots of a real home: drawn once, kept, delivered once, and never drawn again."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from small_home import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    EVERYBODY,
    FAY,
    REGISTER,
    date,
    derive,
    drop,
    drop_pupils,
    drop_weeks,
    load,
    small_home,
)

from attendance_pipeline.reports.incentives import PRIZE_POT, RAFFLE, holds, prizes_of
from attendance_pipeline.steps import incentives
from attendance_pipeline.steps.deliver import Made
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.plan import prize_pots_due, raffles_due
from attendance_pipeline.steps.secret import KEY_FILE
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.store.draws import StoredDraw, read_draws

YEARS = {ANN: "5", BEN: "5", CAT: "5", DAN: "6", EVE: "6", FAY: "6"}
# Ben is late in the first week, Cat in the second; Dan is ill throughout the second; Fay is never there in June.
LINES = {
    BEN: "06-02 AM L",
    CAT: "06-09 PM U",
    DAN: "06-08 to 06-12 I",
    EVE: "06-04 AM O; 07-07 AM O",
    FAY: "06-01 to 06-30 O",
}
FIRST, SECOND, SIXTH, LAST = (date(d) for d in ("06-05", "06-12", "07-10", "07-17"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both terms taken in and nothing derived. The first term has seven school weeks."""
    home = small_home(tmp_path_factory.mktemp("incentives") / "home")
    drop_pupils(home, "06-01", {upn: {"year": year} for upn, year in YEARS.items()})
    drop_weeks(home, LINES)
    load(home)
    (home / "state" / KEY_FILE).write_bytes(b"a key that is the same each time")
    return home


def drawn(home: Path, upto: dt.date, kind: str = RAFFLE) -> list[StoredDraw]:
    """Derive up to a day, draw what is due, and give every draw that is kept."""
    derive(home, upto)
    with open_site(home) as site:
        (incentives.raffles if kind == RAFFLE else incentives.prize_pots)(site, "a run")
    return kept(home, kind)


def kept(home: Path, kind: str = RAFFLE) -> list[StoredDraw]:
    with open_site(home) as site, site.warehouse.read() as conn:
        return read_draws(conn, "oakfield", kind)


def files(home: Path) -> dict[str, bytes]:
    """What lies on the drive, without manifests, which name the run."""
    drive = home / "outbox" / "oakfield"
    paths = [p for p in drive.rglob("*") if p.is_file() and p.name != "manifest.json"]
    return {p.relative_to(drive).as_posix(): p.read_bytes() for p in paths}


def folders(home: Path) -> list[str]:
    return sorted({path.rsplit("/", 1)[0] for path in files(home)})


def folder(day: str, audience: str = "attendance-lead") -> str:
    return f"{audience}/2025-26/2026-{day}/incentives"


def tickets(home: Path, day: str, name: str = "raffle-tickets.csv") -> dict[str, list[str]]:
    """By year group how many tickets there were, as the list on the drive has it."""
    listed = csv.DictReader(io.StringIO(files(home)[f"{folder(day)}/{name}"].decode("utf-8-sig")))
    out: dict[str, list[str]] = {}
    for row in listed:
        out.setdefault(row["Year group"], []).append(row["Won"] or "-")
    return out


def sheet(home: Path, path: str) -> str:
    with pypdfium2.PdfDocument(files(home)[path]) as pdf:
        return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pdf).split())


def by_upn(home: Path, draw: StoredDraw) -> dict[str, tuple[list[str], str | None]]:
    """By prize and year group: who has a ticket, in the order of EVERYBODY, and the winner."""
    with open_site(home) as site:
        upn = dict(zip(*_persons(site), strict=True))
    return {
        f"{p.prize} {p.group}": (
            sorted((upn[t] for t in p.tickets), key=EVERYBODY.index),
            None if p.winning_pupil is None else upn[p.winning_pupil],
        )
        for p in prizes_of(draw.content)
    }


def _persons(site: Site) -> tuple[list[int], list[str]]:
    pupils = school_inputs(site, site.schools()[0]).pupils
    return pupils.pupil_id.tolist(), pupils.upn.tolist()


# ---------------------------------------------------------------- the raffle of a week


def test_a_raffle_is_due_when_the_week_has_ended_and_until_it_is_drawn(home: Path) -> None:
    derive(home, date("06-04"))
    with open_site(home) as site:
        assert not raffles_due(site), "the week is not over"
    derive(home, FIRST)
    with open_site(home) as site:
        assert raffles_due(site)
        (made,) = incentives.raffles(site, "a run")
        assert (made.count, len(made.folders)) == (2, 1)
        assert not raffles_due(site)


def test_who_has_a_ticket_week_by_week(home: Path) -> None:
    first, second = drawn(home, FIRST)[0], drawn(home, SECOND)[1]
    assert {group: who for group, (who, _) in by_upn(home, first).items()} == {
        "raffle 5": [ANN, CAT],  # Ben was late
        "raffle 6": [DAN, EVE],  # Fay was never there; Eve was absent, not late
    }
    assert {group: who for group, (who, _) in by_upn(home, second).items()} == {
        "raffle 5": [ANN, BEN],  # Cat came after the register had closed
        "raffle 6": [EVE],  # Dan was ill throughout
    }
    assert holds(first.seed, prizes_of(first.content)) and holds(second.seed, prizes_of(second.content))
    assert first.seed != second.seed
    listed = tickets(home, "06-12")
    assert (sorted(listed["Year 5"]), listed["Year 6"]) == (["-", "Yes"], ["Yes"])


def test_everybody_who_needs_one_gets_a_certificate(home: Path) -> None:
    drawn(home, FIRST)
    said = sheet(home, f"{folder('06-05')}/raffle-certificates.pdf")
    assert said.count("Well done, Fo!") == 2
    assert "for Year 5" in said and "for Year 6" in said and "week of 1 June 2026" in said
    assert {p.rsplit("/", 1)[1] for p in files(home)} == {"raffle-certificates.pdf", "raffle-draw.pdf", "raffle-tickets.csv"}  # fmt: skip


def test_weeks_in_which_the_machine_was_off_have_their_own_raffles(home: Path) -> None:
    drawn(home, FIRST)
    found = drawn(home, date("06-24"))  # a Wednesday, two weeks later
    assert [d.last_day for d in found] == [FIRST, SECOND, date("06-19")]
    assert folders(home) == [folder("06-05"), folder("06-12"), folder("06-19")]


def test_a_home_that_begins_with_a_history_draws_for_the_last_week_only(home: Path) -> None:
    assert [d.last_day for d in drawn(home, date("06-24"))] == [date("06-19")]


def test_the_same_home_draws_the_same_and_another_key_draws_otherwise(home: Path, tmp_path: Path) -> None:
    same, other = (shutil.copytree(home, tmp_path / name) for name in ("same", "other"))
    (other / "state" / KEY_FILE).write_bytes(b"another key, of the same length.")
    ours, again, theirs = ([d.seed for d in drawn(h, FIRST)] for h in (home, same, other))
    assert ours == again != theirs
    assert files(home) == files(same)


# ---------------------------------------------------------------- never again


def corrected(home: Path, line: str) -> None:
    """A correction of a session that comes weeks later."""
    drop(home, "register_2026-07-01_late.csv", REGISTER, [line])
    load(home)


def test_a_correction_after_the_draw_changes_no_winner_and_delivers_nothing(home: Path) -> None:
    before = drawn(home, FIRST)
    lies = files(home)
    winner = by_upn(home, before[0])["raffle 5"][1]
    corrected(home, f"{winner},2026-06-03,AM,L,5,was late after all")
    after = drawn(home, FIRST)
    assert after == before
    assert files(home) == lies


@pytest.mark.parametrize("what", ["again", "from nothing", "all pages derived again"])
def test_a_second_run_draws_and_delivers_nothing(home: Path, what: str) -> None:
    before, lies = drawn(home, SECOND), files(home)
    if what == "from nothing":
        corrected(home, f"{ANN},2026-06-02,AM,L,5,")
    derive(home, date("06-16"))
    with open_site(home) as site:
        (made,) = incentives.raffles(site, "another run")
    assert (made.count, made.folders, made.note) == (0, (), "nothing to draw")
    assert kept(home) == before and files(home) == lies


def test_a_run_that_is_cut_off_before_the_drive_delivers_the_same_draw_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Made:
        raise OSError("the drive is gone")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="the drive is gone"):
        patch.setattr(incentives, "put", gone)
        drawn(home, FIRST)
    (draw,) = kept(home)
    assert files(home) == {}
    winner = by_upn(home, draw)["raffle 5"][1]
    corrected(home, f"{winner},2026-06-03,AM,L,5,late after all")  # what would now be another draw
    with open_site(home) as site:
        assert raffles_due(site), "it is not on the drive yet"
    assert drawn(home, FIRST) == [draw]
    assert folders(home) == [folder("06-05")]


def test_a_winner_who_leaves_stays_the_winner_and_the_sheet_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(incentives, "put", lambda *_: (_ for _ in ()).throw(OSError()))
        drawn(home, FIRST)
    winner = by_upn(home, kept(home)[0])["raffle 5"][1]
    changes = {upn: {"year": year} for upn, year in YEARS.items()}
    drop_pupils(home, "06-09", changes | {winner: {"year": "5", "leaving": "2026-06-08"}})
    load(home)
    drawn(home, date("06-10"))
    said = sheet(home, f"{folder('06-05')}/raffle-draw.pdf")
    assert "has left the school since and stays the winner" in said
    assert by_upn(home, kept(home)[0])["raffle 5"][1] == winner


def test_a_week_that_loses_its_friday_afterwards_is_not_drawn_again(home: Path) -> None:
    before = drawn(home, SECOND)
    calendar = home / "calendars" / "small.toml"
    text = calendar.read_text(encoding="utf-8")
    calendar.write_text(text.replace("inset = []", "inset = [2026-06-12]", 1), encoding="utf-8")
    with open_site(home) as site:
        assert not raffles_due(site)
    assert drawn(home, date("06-16")) == before


def test_a_school_that_wants_no_raffle_has_none(home: Path) -> None:
    policy = home / "policies" / "seed-school.toml"
    off = "\n[incentives]\nraffle = false\nprize_pot_school_weeks = 0\n"
    policy.write_text(policy.read_text(encoding="utf-8") + off, encoding="utf-8")
    assert drawn(home, LAST) == []
    with open_site(home) as site:
        assert not raffles_due(site) and not prize_pots_due(site)


def test_certificates_that_may_go_without_approval_lie_with_the_class_teacher(home: Path) -> None:
    policy = home / "policies" / "seed-school.toml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("[letters]\n", '[letters]\nwithout_approval = ["raffle_certificate"]\n', 1), encoding="utf-8")  # fmt: skip
    drawn(home, FIRST)
    classes = {p.split("/")[0] for p in files(home)} - {"attendance-lead"}
    assert classes and all(c.startswith("class-5") for c in classes)
    for name in classes:
        assert sheet(home, f"{folder('06-05', name)}/raffle-certificates.pdf").count("Well done") >= 1


# ---------------------------------------------------------------- the prize pot


def test_a_prize_pot_comes_every_six_school_weeks(home: Path) -> None:
    derive(home, date("07-09"))
    with open_site(home) as site:
        assert not prize_pots_due(site), "the sixth week is not over"
    (draw,) = drawn(home, SIXTH, PRIZE_POT)
    assert (draw.first_day, draw.last_day) == (date("06-01"), SIXTH)
    found = by_upn(home, draw)
    # Ann and Ben were there always; Cat missed one session, for U is absence. Nobody has weeks before to rise from.
    assert found == {"best 5": ([ANN, BEN], found["best 5"][1]), "best 6": ([EVE], EVE)}
    assert tickets(home, "07-10", "prize-pot-tickets.csv").keys() == {"Year 5", "Year 6"}
    assert "There is no prize for the most improved" in sheet(home, f"{folder('07-10')}/prize-pot-draw.pdf")
    with open_site(home) as site:
        assert not prize_pots_due(site)
    assert len(drawn(home, LAST, PRIZE_POT)) == 1, "one week is left over"


def test_with_shorter_rounds_somebody_is_most_improved(home: Path) -> None:
    policy = home / "policies" / "seed-school.toml"
    shorter = "\n[incentives]\nprize_pot_school_weeks = 3\nprize_pot_prize = 'a book of your choice'\n"
    policy.write_text(policy.read_text(encoding="utf-8") + shorter, encoding="utf-8")
    drawn(home, date("06-19"), PRIZE_POT)
    second = drawn(home, SIXTH, PRIZE_POT)[1]
    found = by_upn(home, second)
    assert found["most_improved 6"] == ([FAY], FAY)  # never there, then there from July on
    assert found["most_improved 5"] == ([CAT], CAT)  # 29 of 30, then all
    assert found["best 5"][0] == [ANN, BEN, CAT]
    said = sheet(home, f"{folder('07-10')}/prize-pot-certificates.pdf")
    assert said.count("a book of your choice") == 4 and said.count("a great leap in attendance") == 2


def test_the_next_year_begins_its_own_rounds(home: Path) -> None:
    drawn(home, SIXTH, PRIZE_POT)
    found = drawn(home, date("10-16"), PRIZE_POT)
    assert [(d.first_day, d.last_day) for d in found] == [(date("06-01"), SIXTH), (date("09-01"), date("10-09"))]


def test_a_raffle_and_a_prize_pot_of_one_day_lie_beside_each_other(home: Path) -> None:
    drawn(home, SIXTH, PRIZE_POT)
    drawn(home, SIXTH)
    assert folders(home) == [folder("07-10"), f"{folder('07-10')}-2"]


def test_no_name_and_no_upn_in_what_is_kept_or_in_a_file_name(home: Path) -> None:
    draw = drawn(home, FIRST)[0]
    assert not any(upn in str(draw) for upn in EVERYBODY)
    assert not any(upn in path or upn.encode() in content for upn in EVERYBODY for path, content in files(home).items())
