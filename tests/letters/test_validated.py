"""Every kind of letter against two checkers of others: PDF/UA-1 (for who cannot see it) and PDF/A-2a (to be kept)."""

import io

import page as page_validation
import pdfua
import pikepdf
import pytest

from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.pdf import alignment_sheet, render_letter, render_sample
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates

HEAD, TEMPLATES = sample_letterhead(), Templates()
EVERY = [
    *((kind, "en", layout) for kind in KINDS for layout in ("dl", "notify")),
    *(
        (kind, language, layout)
        for kind in ("letter_1", "leaflet")
        for language in ("pl", "ur")
        for layout in ("dl", "notify")
    ),
]


def faults(pdf: bytes, tmp_path) -> list[str]:
    found = []
    for profile in (page_validation.ValidationProfile.PDF_UA_1, page_validation.ValidationProfile.PDF_A_2A):
        report = page_validation.validate_pdf_bytes(pdf, profile=profile)
        assert report.rules.total > 50  # it was looked at
        found += [f"{profile.value} {one.rule_id}: {one.message}" for one in report.failures]
    file = tmp_path / "letter.pdf"
    file.write_bytes(pdf)
    found += [f"{one.rule_id}: {one.message}" for one in pdfua.validate(file).findings]
    return found


@pytest.mark.parametrize(("kind", "language", "layout"), EVERY)
def test_every_kind_keeps_both_standards(kind, language, layout, tmp_path):
    letter = sample_letter(kind, language)
    assert faults(render_letter(letter, HEAD, layout=layout, templates=TEMPLATES), tmp_path) == []


def test_samples_and_the_alignment_sheet_do_too(tmp_path):
    assert faults(render_sample(sample_letter("letter_1"), HEAD, templates=TEMPLATES), tmp_path) == []
    assert faults(alignment_sheet("notify"), tmp_path) == []


def test_the_checkers_see_a_file_that_lacks_something(tmp_path):
    """A check that finds nothing wrong with anything would be no check."""
    with pikepdf.open(io.BytesIO(render_letter(sample_letter("letter_1"), HEAD, templates=TEMPLATES))) as pdf:
        del pdf.Root.Lang
        del pdf.Root.MarkInfo
        out = io.BytesIO()
        pdf.save(out)
    found = faults(out.getvalue(), tmp_path)
    assert any(one.startswith("ua1") for one in found)
    assert any(one.startswith("2a") for one in found)
    assert any(not one.startswith(("ua1", "2a")) for one in found)


@pytest.mark.parametrize("kind", KINDS)
def test_fonts_are_in_the_file_and_headers_of_tables_say_what_they_head(kind):
    with pikepdf.open(io.BytesIO(render_letter(sample_letter(kind), HEAD, templates=TEMPLATES))) as pdf:
        fonts = [
            one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"
        ]
        assert fonts
        assert all({"/FontFile2", "/FontFile3"} & set(one.keys()) for one in fonts)
        tags = [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and "/S" in one and "/P" in one]
        heads = [one for one in tags if one.S == "/TH"]
        assert all("/Scope" in repr(one.get("/A")) for one in heads)
        assert all("/Alt" in one for one in tags if one.S == "/Figure")
        assert bool(heads) == any(one.S == "/Table" for one in tags)
