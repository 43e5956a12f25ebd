"""`attendance sample`: a page with invented people, from the home's own templates or the shipped ones."""

from __future__ import annotations

import json
from pathlib import Path

import pypdfium2
import pytest
from demo_homes import Said, attendance, tree

from attendance_pipeline.commands import sample
from attendance_pipeline.letters.fields import KINDS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, without a home."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """A home with one template of its own."""
    assert attendance("init", tmp_path / "home").code == 0
    file = tmp_path / "home" / "letter_templates" / "en" / "letter_1.md.j2"
    file.parent.mkdir(parents=True)
    file.write_text("# Our own words for {{ first_name }}\n", "utf-8")
    return tmp_path / "home"


def words(file: Path) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(file))


def refused(*arguments: object) -> str:
    said = attendance("sample", *arguments)
    assert (said.code, said.out) == (2, "")
    return said.err.removeprefix("attendance: ").strip()


# ---------------------------------------------------------------- what it makes


@pytest.mark.parametrize("page", [*KINDS, "alignment"])
def test_every_page_has_a_sample(folder: Path, page: str) -> None:
    said = attendance("sample", page)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == f"Wrote sample-{page}.pdf"
    text = words(folder / f"sample-{page}.pdf")
    assert ("SAMPLE. The people are invented. Do not send" in text) == (page != "alignment")


@pytest.mark.parametrize(
    ("asked", "file", "says"),
    [
        (("letter_1", "--language", "pl"), "sample-letter_1-pl.pdf", "Szanowni Państwo"),
        (("letter_1", "--language", "Polish"), "sample-letter_1-pl.pdf", "Szanowni Państwo"),
        (("letter_1", "--language", "Urdu", "--layout", "notify"), "sample-letter_1-ur-notify.pdf", "تاریخ"),
        (("letter_2", "--language", "ur"), "sample-letter_2-ur.pdf", "our meeting"),
        (("letter_3", "-o", "out.pdf"), "out.pdf", "attendance picture"),
    ],
)
def test_language_layout_and_file_are_as_asked(folder: Path, asked: tuple[str, ...], file: str, says: str) -> None:
    said = attendance("sample", *asked)
    assert said.code == 0
    assert says in words(folder / file)
    assert [path.name for path in folder.iterdir()] == [file]


def test_it_says_which_files_it_was_made_from_and_what_is_not_translated_or_not_checked(folder: Path) -> None:
    said = attendance("sample", "letter_1", "--language", "pl").out
    assert said.count("(a translation that nobody of the school has checked") == 2
    said = attendance("sample", "letter_2", "--language", "Urdu").out
    assert "en/letter_2.md.j2 (there is no letter_2 in Urdu: families get it in English)" in said
    said = attendance("sample", "letter_3").out
    assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == [
        "letter_3",
        "agenda",
        "plan",
        "attendance_picture",
    ]


def test_the_same_sample_has_the_same_bytes_and_replaces_the_one_before(folder: Path) -> None:
    attendance("sample", "letter_2")
    before = (folder / "sample-letter_2.pdf").read_bytes()
    attendance("sample", "letter_2")
    assert (folder / "sample-letter_2.pdf").read_bytes() == before


def test_it_is_opened_if_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(sample.webbrowser, "open", opened.append)
    attendance("sample", "leaflet", "--open")
    assert opened == [(folder / "sample-leaflet.pdf").as_uri()]


# ---------------------------------------------------------------- whose words


@pytest.mark.parametrize("way", ["before", "after", "current folder"])
def test_the_homes_own_words_are_taken(own_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    before = tree(own_home)
    if way == "current folder":
        monkeypatch.chdir(own_home)
    given = {"before": ("--home", own_home, "sample", "letter_1"), "after": ("sample", "letter_1", "--home", own_home)}
    said: Said = attendance(*given.get(way, ("sample", "letter_1")), "-o", folder / "x.pdf")
    assert said.code == 0
    assert str(own_home / "letter_templates" / "en" / "letter_1.md.j2") in said.out
    text = words(folder / "x.pdf")
    assert "Our own words for Zofia" in text
    assert "Every day in school counts" in text  # the leaflet, which it has no copy of
    assert tree(own_home) == before


def test_without_a_home_the_shipped_words_are_taken(folder: Path) -> None:
    attendance("sample", "letter_1")
    assert "Zofia has missed a lot of school" in words(folder / "sample-letter_1.pdf")


# ---------------------------------------------------------------- what is refused


def test_what_cannot_be_is_refused_with_what_can(folder: Path, own_home: Path) -> None:
    every = f"there are {', '.join(KINDS)}, alignment"
    assert refused() == f"say which page; {every}"
    assert refused("letter_9") == f"'letter_9' is not a page; {every}"
    assert refused("../letter_1").startswith("'../letter_1' is not a page")
    assert refused("letter_1", "--language", "Klingon") == (
        "'Klingon' is not a language that is known here; there are templates in en (English), pl (Polish), ur (Urdu)"
    )
    assert refused("letter_1", "-o", "x.docx") == "x.docx: a sample is a PDF file, so its name has to end in .pdf"
    assert refused("letter_1", "-o", folder / "no" / "x.pdf") == f"{folder / 'no'}: there is no such folder"
    assert refused("letter_1", "--home", folder) == (
        f"{folder} is not a home: it has no attendance.toml. Without --home the shipped pages are shown"
    )
    assert attendance("sample", "letter_1", "--layout", "c5").code == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# A\n\n{{ firstname }}\n", ":3: firstname is not a field; the fields are absences, attendance_lead"),
        ("# A\n\n{{ counted }}\n", ":3: counted is not a field of letter_1, but of penalty_notice_warning, notice_to"),
        ("# A\n\n{% if first_name %}\n", ":3: Unexpected end of template"),
        ("# A ☃\n", "letter_1 has 1 character(s) (snowman), which no font at hand can print"),
    ],
)
def test_a_mistake_in_a_template_is_refused_with_file_line_and_the_known_names(
    own_home: Path, folder: Path, text: str, says: str
) -> None:
    (own_home / "letter_templates" / "en" / "letter_1.md.j2").write_text(text, "utf-8")
    said = refused("letter_1", "--home", own_home)
    assert says in said
    assert list(folder.iterdir()) == []


# ---------------------------------------------------------------- the list


def test_the_list_says_every_page_whom_it_is_for_and_in_which_languages(folder: Path) -> None:
    said = attendance("sample", "--list")
    assert said.code == 0
    for kind in KINDS:
        assert f"\n{kind} " in f"\n{said.out}"
    assert "Letter 1 (family): en, pl*, ur*" in said.out
    assert "Referral to the local authority (local authority): en" in said.out
    rows = {row["page"]: row for row in json.loads(attendance("sample", "--list", "--json").out)}
    assert list(rows) == list(KINDS)
    assert rows["leaflet"]["unchecked"] == ["pl", "ur"]
    assert rows["raffle_certificate"]["to"] == "pupil"


def test_check_mentions_translations_that_nobody_has_checked(own_home: Path) -> None:
    said = attendance("check", "--home", own_home)
    assert said.code == 0
    assert "note: " in said.out
    assert "nobody of the school has checked the Polish of letter_1, leaflet: docs/letters.md says how" in said.out
