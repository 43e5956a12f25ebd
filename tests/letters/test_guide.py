"""docs/letters.md says which pages and fields there are: it is made from the program, so that it cannot be out of date.

`.venv/bin/python tests/letters/test_guide.py` writes the tables anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.letters.blocks import DIRECTIVES
from attendance_pipeline.letters.fields import FIELDS, KINDS, LETTER_FIELDS, PERSON_FIELDS, SCHOOL_FIELDS, Field
from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.letters.sandbox import FILTERS

GUIDE = Path(__file__).parents[2] / "docs" / "letters.md"


def _pages() -> Iterator[str]:
    yield "| page | what it is | for | goes with it |"
    yield "|---|---|---|---|"
    for name, kind in KINDS.items():
        yield f"| `{name}` | {kind.title} | {kind.to} | {', '.join(f'`{one}`' for one in kind.enclosures)} |"


def _where(name: str) -> str:
    """The pages that know a field, in the shortest words."""
    kinds = [kind for kind, one in KINDS.items() if name in one.fields]
    without = [kind for kind in KINDS if kind not in kinds]
    if not without:
        return "all"
    if len(without) <= 3:
        return f"all but {', '.join(without)}"
    return ", ".join(kinds)


def _fields() -> Iterator[str]:
    groups = {"Of every page": SCHOOL_FIELDS, "Of every page but the leaflet": {**LETTER_FIELDS, **PERSON_FIELDS}}
    groups["Of some pages"] = {name: one for name, one in FIELDS.items() if not any(name in g for g in groups.values())}
    for title, fields in groups.items():
        yield f"### {title}"
        yield ""
        where = title == "Of some pages"
        yield "| field | what it is |" + (" pages |" if where else "")
        yield "|---|---|" + ("---|" if where else "")
        for name, field in fields.items():
            yield f"| `{name}` | {_meaning(name, field)} |" + (f" {_where(name)} |" if where else "")
        yield ""


def _meaning(name: str, field: Field) -> str:
    words = field.meaning.replace("|", "\\|")
    optional = [one.fields[name].optional for one in KINDS.values() if name in one.fields]
    if all(optional):
        words += ". *May be empty*" if "may be empty" not in words else ""
    elif any(optional):
        some = [kind for kind, one in KINDS.items() if name in one.fields and one.fields[name].optional]
        words += f". *May be empty* in {', '.join(some)}"
    if field.rows is not None:
        rows = "; ".join(f"`.{row}` {meaning}" for row, meaning in field.rows.items()).replace("|", "\\|")
        words += f". A list; each row has {rows}"
    return words


def _written(text: str) -> str:
    """The guide with its tables made anew."""
    parts = {"pages": "\n".join(_pages()), "fields": "\n".join(_fields()).rstrip()}
    for name, table in parts.items():
        text = re.sub(
            rf"<!-- {name} -->\n.*?<!-- /{name} -->",
            lambda _, name=name, table=table: f"<!-- {name} -->\n{table}\n<!-- /{name} -->",
            text,
            flags=re.DOTALL,
        )
    filters = ", ".join(f"`{name}`" for name in sorted(FILTERS))
    return re.sub(r"<!-- filters -->.*?<!-- /filters -->", f"<!-- filters -->{filters}<!-- /filters -->", text)


def test_the_guide_is_up_to_date():
    text = GUIDE.read_text("utf-8")
    if _written(text) != text:
        pytest.fail("docs/letters.md is stale: .venv/bin/python tests/letters/test_guide.py writes it", pytrace=False)


def test_the_guide_knows_every_line_of_our_own():
    text = GUIDE.read_text("utf-8")
    assert [line for line in DIRECTIVES if f"`[{line.split(':')[0].split(' 4')[0]}" not in text] == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_means_one_thing_in_all_kinds(name):
    found = {(one.fields[name].meaning, str(one.fields[name].rows)) for one in KINDS.values() if name in one.fields}
    assert len(found) == 1


def test_every_file_of_templates_has_a_place_in_the_guide():
    text = GUIDE.read_text("utf-8")
    tags = {path.name for path in SHIPPED.iterdir() if (path / "language.toml").is_file()}
    assert tags == {"en", "pl", "ur"}
    assert "Polish and Urdu" in text


if __name__ == "__main__":
    GUIDE.write_text(_written(GUIDE.read_text("utf-8")), "utf-8")
