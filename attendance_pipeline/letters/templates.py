"""The words of letters: Jinja2 in Markdown, the school's own copy first, in a sandbox, every value inert.

Belongs here: finding a template, checking it, and rendering it to blocks. Does not belong here: which fields there are
(``fields``), what can be read from a template's source (``template_check``), pages (``pdf``).

A template is ``letter_templates/<language>/<kind>.md.j2``, shipped or in the home. It starts after the salutation, with
the subject as ``# heading``. A line with nothing but ``{% … %}`` leaves no blank line behind, so a loop can make the
rows of a table. docs/letters.md is the guide for those who edit templates.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import meta

from attendance_pipeline.letters.blocks import Block, Heading, parse, text_of
from attendance_pipeline.letters.fields import FIELDS, KINDS, Field, Kind, fields_of
from attendance_pipeline.letters.fonts import FontSet, font_folders
from attendance_pipeline.letters.language import SHIPPED, Language, language_faults, language_files, load_language
from attendance_pipeline.letters.language_names import language_tag
from attendance_pipeline.letters.letter import FieldValue
from attendance_pipeline.letters.marks import filled
from attendance_pipeline.letters.sandbox import MAX_FILE, SUFFIX, environment_of, leads_out, limited
from attendance_pipeline.letters.template_check import Problem, source_problems

__all__ = ["FIELDS", "KINDS", "Composed", "Field", "Kind", "Problem", "TemplateError", "Templates", "check_templates"]

_CHECKED_BY = re.compile(r"\{#\s*Translation checked by:([^#}]*)#\}")


class TemplateError(ValueError):
    """Templates that cannot be used: ``problems`` says where and why, and never holds a value of a person."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Composed:
    """One template with its values in: ``language`` is the template's own, English where a translation is missing."""

    kind: str
    page: str
    language: Language
    blocks: tuple[Block, ...]


class Templates:
    """The templates of one school: its own folder (``HOME/letter_templates``, may be missing) over the shipped one."""

    def __init__(self, school_folder: Path | None = None, *, shipped_folder: Path = SHIPPED) -> None:
        self.school_folder = school_folder
        self.folders = [*([school_folder] if school_folder is not None else []), shipped_folder]
        self._environments: dict[str, jinja2.Environment] = {}
        self._read: dict[tuple[Path, int], tuple[Problem, ...]] = {}
        self._unchecked: dict[tuple[str, str], bool] = {}

    def file_of(self, kind: str, language: str) -> Path | None:
        """The file that a letter of this kind to a reader of ``language`` is made from."""
        return self._find(kind, self.language_of(kind, language))

    def language_of(self, kind: str, language: str) -> str:
        """The language this kind is written in for a reader of ``language``: that, that without its region, or
        English."""
        tags = (language, language.partition("-")[0])
        return next((tag for tag in tags if self._find(kind, tag) is not None), "en")

    def languages_of(self, kind: str) -> list[str]:
        """The languages that this kind is written in, English first."""
        found = {file.parent.name for file in self.files() if file.name == f"{kind}{SUFFIX}"}
        return sorted(found, key=lambda tag: (tag != "en", tag))

    def unchecked(self, kind: str, language: str) -> bool:
        """Whether this kind goes out in a translation that nobody of the school has checked.

        Who has writes so in the template and in each part it includes: ``{# Translation checked by: Name, date #}``.
        English is what the others are checked against.
        """
        tag = self.language_of(kind, language)
        if (kind, tag) not in self._unchecked:
            self._unchecked[kind, tag] = tag != "en" and self._has_unchecked_words(kind, tag)
        return self._unchecked[kind, tag]

    def _has_unchecked_words(self, kind: str, tag: str) -> bool:
        waiting, seen = [f"{kind}{SUFFIX}"], set[str]()
        while waiting:
            name = waiting.pop()
            file = self._find(name.removesuffix(SUFFIX), tag)
            if name in seen or file is None:
                continue
            seen.add(name)
            source = file.read_text("utf-8")
            checked = _CHECKED_BY.search(source)
            if checked is None or not checked[1].strip():
                return True
            tree = self._environment(tag).parse(source)
            waiting += [part for part in meta.find_referenced_templates(tree) if part is not None]
        return False

    def compose(self, kind: str, language: str, values: Mapping[str, FieldValue]) -> Composed:
        """The blocks of a template. ``values`` holds every field of the kind (``fields.context``).

        Raises ``TemplateError`` with the file, the line and the known fields when the template is at fault.
        """
        tag = self.language_of(kind, language)
        file = self._find(kind, tag)
        if file is None:
            known = ", ".join(sorted({path.name.removesuffix(SUFFIX) for path in self.files()}))
            raise TemplateError(
                (Problem(self.folders[-1] / tag / f"{kind}{SUFFIX}", 0, f"missing; there are {known}"),)
            )
        if problems := self.source_problems(file):
            raise TemplateError(problems)
        known_values = {name: values[name] for name in fields_of(kind)}
        try:
            with limited():
                words = self._environment(tag).get_template(file.name).render(known_values)
        except (
            Exception
        ) as error:  # a template may do anything a language can do; its message may hold a person's value
            raise TemplateError((Problem(*_place(error, file), _reason(error)),)) from None
        page = KINDS[kind].page if kind in KINDS else "letter"
        written_in = load_language(tag, self.school_folder)
        return Composed(kind, page, written_in, filled(parse(words), values, written_in))

    def files(self) -> list[Path]:
        """Every template there is, the school's and the shipped ones, also those that the school's replace."""
        return [file for folder in self.folders for file in sorted(folder.glob(f"*/*{SUFFIX}"))]

    def source_problems(self, file: Path) -> tuple[Problem, ...]:
        """What is wrong with one file, as far as reading it can tell. A file that was changed is read again."""
        as_it_is = (file, file.stat().st_mtime_ns)
        if as_it_is not in self._read:
            self._read[as_it_is] = self._problems_of(file)
        return self._read[as_it_is]

    def _problems_of(self, file: Path) -> tuple[Problem, ...]:
        if leads_out(file):
            return (Problem(file, 0, "is a link that leads out of its folder"),)
        if file.stat().st_size > MAX_FILE:
            return (Problem(file, 0, f"is larger than {MAX_FILE // 1024} KB: a letter is a page or two"),)
        try:
            source = file.read_text("utf-8")
        except UnicodeDecodeError:
            return (Problem(file, 0, "not saved as UTF-8"),)
        kind = file.name.removesuffix(SUFFIX)
        if kind not in KINDS and not kind.startswith("_"):
            known = ", ".join(KINDS)
            return (
                Problem(
                    file, 0, f"{kind} is not a kind of letter: it is one of {known}, or begins with _ to be included"
                ),
            )
        return source_problems(self._environment(file.parent.name), source, file, kind)

    def _find(self, kind: str, language: str) -> Path | None:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", kind) or not re.fullmatch(r"[A-Za-z0-9-]+", language):
            return None
        candidates = (folder / language / f"{kind}{SUFFIX}" for folder in self.folders)
        return next((file for file in candidates if file.is_file()), None)

    def _environment(self, tag: str) -> jinja2.Environment:
        if tag not in self._environments:
            language = load_language(tag, self.school_folder)
            folders = [folder / tag for folder in self.folders]  # a part in another language would stand out
            self._environments[tag] = environment_of(language, folders)
        return self._environments[tag]


def _place(error: Exception, file: Path) -> tuple[Path, int]:
    """File and line of the template that an error came out of; an included file is named itself."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return Path(error.filename or file), error.lineno
    line, where, trace = 0, file, error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.endswith(SUFFIX):
            where, line = Path(name), trace.tb_lineno
        trace = trace.tb_next
    return where, line


def _reason(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"there is no template {error.name} to include"
    if isinstance(error, jinja2.UndefinedError | jinja2.TemplateSyntaxError | jinja2.sandbox.SecurityError):
        return error.message or type(error).__name__
    return f"cannot be worked out ({type(error).__name__})"


def check_templates(school_folder: Path | None = None) -> list[Problem]:
    """Everything wrong with the templates, shipped and the school's: read, then rendered with invented values."""
    from attendance_pipeline.letters.sample import sample_values

    templates = Templates(school_folder)
    found: list[Problem] = []
    for folder in templates.folders:
        found += [
            Problem(file, 0, f"is not used: a template is named <language>/<kind>{SUFFIX}")
            for file in sorted(folder.glob("*.j2"))
        ]
    found += _unused_folders(school_folder)
    found += _unused_files(school_folder)
    fonts = FontSet(font_folders(school_folder))
    tags = sorted({"en", *(file.parent.name for file in templates.files())})
    files = [file for tag in tags for file in language_files(tag, school_folder)]
    found += [Problem(file, 0, fault) for file in files for fault in language_faults(file)]
    if not found:  # English words stand in every language, so all files have to be right before one is loaded
        found += [problem for tag in tags for problem in _font_problems(tag, school_folder, fonts)]
    if found:
        return found
    for file in sorted(templates.files(), key=lambda file: not file.name.startswith("_")):
        kind, tag = file.name.removesuffix(SUFFIX), file.parent.name
        problems = templates.source_problems(file)
        found += problems
        if (
            problems or kind.startswith("_") or templates.file_of(kind, tag) != file
        ):  # the school's copy is what is used
            continue
        for values in sample_values(kind):
            try:
                blocks = templates.compose(kind, tag, values).blocks
            except TemplateError as error:
                known = {(problem.file, problem.line) for problem in found}  # a part that letters include is read too
                found += [problem for problem in error.problems if (problem.file, problem.line) not in known]
                break
            if missing := fonts.missing("".join(map(text_of, blocks)), load_language(tag, school_folder).fonts):
                shown = ", ".join(f"{char} (U+{ord(char):04X})" for char in sorted(missing))
                found.append(Problem(file, 0, f"has {shown}, which no font at hand can print"))
                break
            if not any(isinstance(block, Heading) for block in blocks):
                found.append(
                    Problem(file, 1, "needs a heading: a line that begins with # and says what the page is about")
                )
                break
    return sorted(set(found))


def _unused_folders(school_folder: Path | None) -> Iterator[Problem]:
    """Folders whose name is no tag of a language: no family's language ever leads to them."""
    if school_folder is None or not school_folder.is_dir():
        return
    for folder in sorted(one for one in school_folder.iterdir() if one.is_dir() and one.name != "fonts"):
        tag = language_tag(folder.name, unknown="")
        if tag != folder.name and any(folder.iterdir()):
            hint = f"; call it {tag}" if tag else ""
            yield Problem(folder, 0, f"is not used: a folder is named with the tag of its language, such as pl{hint}")


def _unused_files(school_folder: Path | None) -> Iterator[Problem]:
    """Files that are called after a letter and have another ending, as Notepad and Word give it."""
    if school_folder is None or not school_folder.is_dir():
        return
    for file in sorted([*school_folder.glob("*"), *school_folder.glob("*/*")]):
        stem = file.name.partition(".")[0]
        backup = file.name.endswith(("~", ".bak", ".old", ".orig", ".swp"))
        if stem.casefold() in KINDS and not file.name.endswith((SUFFIX, ".j2")) and not backup and file.is_file():
            yield Problem(file, 0, f"is not used: call it {stem.casefold()}{SUFFIX}, in the folder of its language")


def unchecked_translations(school_folder: Path | None = None) -> dict[str, list[str]]:
    """By language, the kinds whose translation nobody of the school has checked."""
    templates = Templates(school_folder)
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for tag in templates.languages_of(kind):
            if templates.unchecked(kind, tag):
                found.setdefault(tag, []).append(kind)
    return found


def _font_problems(tag: str, school_folder: Path | None, fonts: FontSet) -> Iterator[Problem]:
    if unknown := set(load_language(tag, school_folder).fonts) - fonts.families():
        known = ", ".join(sorted(fonts.families()))
        file = next(reversed([*language_files("en", school_folder), *language_files(tag, school_folder)]))
        yield Problem(file, 0, f"asks for the font {', '.join(sorted(unknown))}; there are {known}")
