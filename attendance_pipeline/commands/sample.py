"""`sample`: one page that families or others get, with invented people, for whoever edits templates."""

from __future__ import annotations

import json
import os
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, home_of
from attendance_pipeline.home import HOME_VARIABLE, SETTINGS_FILE

if TYPE_CHECKING:
    from attendance_pipeline.letters.templates import Templates

LAYOUTS = ("dl", "notify")
ALIGNMENT = "alignment"


def add(commands: Commands) -> None:
    words = "make one letter, form or certificate with invented people, to see what a template gives"
    sample = commands.add("sample", _sample, words)
    sample.add_argument("page", nargs="?", metavar="PAGE", help="which: see --list")
    sample.add_argument("--language", default="en", metavar="L", help="a tag or a name: pl, Polish (default English)")
    sample.add_argument("--layout", choices=LAYOUTS, default="dl", help="where the address stands (default dl)")
    sample.add_argument("-o", "--output", type=Path, metavar="FILE", help="the PDF to write (default sample-PAGE.pdf)")
    sample.add_argument("--open", action="store_true", help="open it afterwards")
    sample.add_argument("--list", action="store_true", help="say which pages there are, and in which languages")
    sample.add_argument("--json", action="store_true", help="the list as JSON")


def _sample(arguments: Arguments) -> int:
    from attendance_pipeline.letters.fields import KINDS
    from attendance_pipeline.letters.templates import Templates
    from attendance_pipeline.table_files import write_page

    templates = Templates(_own_templates(arguments))
    if arguments.list:
        return _list(arguments, templates)
    pages = (*KINDS, ALIGNMENT)
    if arguments.page not in pages:
        asked = f"{arguments.page!r} is not a page" if arguments.page else "say which page"
        raise UsageError(f"{asked}; there are {', '.join(pages)}")
    tag = _tag(arguments.language, templates)
    name = [arguments.page, *([tag] if tag != "en" else []), *([arguments.layout] if arguments.layout != "dl" else [])]
    output = arguments.output or Path(f"sample-{'-'.join(name)}.pdf")
    if output.suffix.lower() != ".pdf":
        raise UsageError(f"{output}: a sample is a PDF file, so its name has to end in .pdf")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent}: there is no such folder")
    page, said = _made(arguments, tag, templates)
    write_page(page, output)
    for line in (f"Wrote {output}", *said):
        print(line)
    if arguments.open:
        webbrowser.open(output.resolve().as_uri())
    return DONE


def _own_templates(arguments: Arguments) -> Path | None:
    """The home's own templates; None where there is no home, and none was named: then the shipped ones are meant."""
    home = home_of(arguments)
    if (home / SETTINGS_FILE).is_file():
        return home / "letter_templates"
    if getattr(arguments, "home", None) or os.environ.get(HOME_VARIABLE):
        raise UsageError(f"{home} is not a home: it has no {SETTINGS_FILE}. Without --home the shipped pages are shown")
    return None


def _tag(language: str, templates: Templates) -> str:
    from attendance_pipeline.letters.fields import KINDS
    from attendance_pipeline.letters.language_names import language_name, language_tag

    tag = language_tag(language, unknown="")
    if not tag:
        written = sorted({one for kind in KINDS for one in templates.languages_of(kind)})
        known = ", ".join(f"{one} ({language_name(one)})" for one in written)
        raise UsageError(f"{language!r} is not a language that is known here; there are templates in {known}")
    return tag


def _made(arguments: Arguments, tag: str, templates: Templates) -> tuple[bytes, list[str]]:
    """The page, and from which files it was made."""
    from attendance_pipeline.letters.language_names import language_name
    from attendance_pipeline.letters.letter import LetterError
    from attendance_pipeline.letters.pdf import alignment_sheet, render_sample
    from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
    from attendance_pipeline.letters.templates import TemplateError

    if arguments.page == ALIGNMENT:
        return alignment_sheet(arguments.layout), []
    letter = sample_letter(arguments.page, tag)
    try:
        page = render_sample(letter, sample_letterhead(), layout=arguments.layout, templates=templates)
    except (TemplateError, LetterError) as error:
        raise UsageError(str(error)) from None
    said = []
    for kind in (letter.kind, *letter.enclosures):
        note = ""
        if templates.language_of(kind, tag) != tag:
            note = f" (there is no {kind} in {language_name(tag)}: families get it in English)"
        elif templates.unchecked(kind, tag):
            note = " (a translation that nobody of the school has checked: docs/letters.md says how to mark it)"
        said.append(f"  {kind}: {templates.file_of(kind, tag)}{note}")
    return page, said


def _list(arguments: Arguments, templates: Templates) -> int:
    from attendance_pipeline.letters.fields import KINDS

    rows = [
        {
            "page": name,
            "title": kind.title,
            "to": kind.to,
            "languages": templates.languages_of(name),
            "unchecked": [tag for tag in templates.languages_of(name) if templates.unchecked(name, tag)],
        }
        for name, kind in KINDS.items()
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return DONE
    wide = max(len(name) for name in KINDS)
    for row in rows:
        languages = ", ".join(f"{tag}*" if tag in row["unchecked"] else tag for tag in row["languages"])
        print(f"{row['page']:{wide}}  {row['title']} ({row['to']}): {languages}")
    print(f"{ALIGNMENT:{wide}}  Where the window is, to hold behind an envelope")
    print("* a translation that nobody of the school has checked")
    return DONE
