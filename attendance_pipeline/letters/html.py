"""A letter as one page of HTML that loads nothing: to look at before it is approved, and on the board.

Belongs here: the parts of a letter as HTML, and how they look on a screen. Does not belong here: words (``parts``), the
printed page (``pdf``).

Every word is escaped where it is put in, and language and direction stand on each part. There is no script, and the
page says to the browser that it may fetch nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attendance_pipeline.letters.inert import has_rtl
from attendance_pipeline.letters.letter import Letter, Letterhead
from attendance_pipeline.letters.parts import document_of, layout_of
from attendance_pipeline.letters.templates import Templates

Part = Mapping[str, Any]
_Block = Mapping[str, Any]

_ISOLATED = re.compile("[\u2066\u2067\u2068]([^\u2066-\u2069]*)\u2069")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u2066-\u2069]")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light }
body { margin: 0; background: #e6e9ed; color: #1b1f24; font: 11pt/1.5 "Noto Sans", Arial, sans-serif }
article { box-sizing: border-box; max-width: 210mm; margin: 6mm auto; padding: 14mm 22mm; background: #fff;
  box-shadow: 0 1px 4px #0003 }
h1, h2, h3, .school { color: #1d3b5c; line-height: 1.25 }
h1 { font-size: 1.35em } h2 { font-size: 1.12em } h3 { font-size: 1em }
header { display: grid; grid-template-columns: 1fr auto; gap: 6mm 10mm; margin-bottom: 8mm }
.school { font-size: 1.6em; font-weight: bold; margin: 0 }
.soft { color: #4d5866; font-size: .86em } address { font-style: normal }
table { border-collapse: collapse; width: 100%; margin: 1em 0 }
th, td { text-align: start; padding: .3em .6em; border-bottom: 1px solid #8794a3; vertical-align: top }
th { background: #eef3f8; color: #1d3b5c } .right { text-align: end } .center { text-align: center }
.to-fill td { height: 2.4em; border: 1px solid #8794a3 }
.box { background: #eef3f8; border-inline-start: 3px solid #1d3b5c; padding: .4em 1em; margin: 1em 0 }
.form { display: flex; gap: 7mm; margin: 1em 0 } .form > div { flex: 1 }
.line { display: block; height: 2em; border-bottom: 1px solid #8794a3 }
.tick::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-inline-end: .5em;
  border: 1.5px solid #4d5866 }
.signed { margin-top: 3.2em } figure { margin: 1em 0 } figure svg { width: 100%; height: auto }
.columns { columns: 2; column-gap: 10mm } .certificate { text-align: center }
.break { break-before: page; border: 0; border-top: 1px dashed #8794a3; margin: 2em 0 }
.certificate h1 { font-size: 2.6em } .sample { background: #a3142b; color: #fff; padding: .4em 1em; font-weight: bold }
footer { margin-top: 10mm }
@media print { body { background: #fff } article { box-shadow: none; break-after: page } }
@media (max-width: 600px) { article { padding: 6mm } header { display: block } .columns { columns: 1 } }
"""


def render_html(
    letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates, note: str = ""
) -> bytes:
    """One letter with its enclosures as a page in UTF-8. ``note`` stands above each part, such as that it is a sample.

    Raises ``LetterError`` and ``templates.TemplateError`` as ``pdf.render_letter`` does.
    """
    data = document_of([letter], letterhead, layout_of(layout), templates, own_sheets=False)
    title = _words(f"{letterhead.name}: {letter.reference}")
    band = f'<p class="sample" lang="en" dir="ltr">{_words(note)}</p>' if note else ""
    parts = "".join(
        f'<article class="{part["page"]}" lang="{_tag(part)}" dir="{part["dir"]}">{band}'
        f"{''.join(_PAGES[part['page']](part, data['head']))}</article>"
        for part in data["parts"]
    )
    first = data["parts"][0]
    return (
        f'<!DOCTYPE html>\n<html lang="{_tag(first)}" dir="{first["dir"]}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{parts}</body></html>\n"
    ).encode()


# ---------------------------------------------------------------- pages


def _letter(part: Part, head: Mapping[str, Any]) -> Iterator[str]:
    yield f'<header><p class="school" dir="ltr">{_words(head["name"])}</p>{_address(head["lines"], "soft")}'
    yield _address(part["recipient"]["lines"])
    facts = "".join(f'<span class="soft">{_words(name)}</span><br>{_words(value)}<br>' for name, value in part["facts"])
    yield f"<p>{facts}</p></header><p>{_words(part['salutation'])}</p>"
    yield from _blocks(part["blocks"])
    yield _foot(part)


def _leaflet(part: Part, head: Mapping[str, Any]) -> Iterator[str]:
    title = [one for one in part["blocks"] if one["is"] == "heading" and one["level"] == 1]
    yield f'<p class="soft">{_words(head["name"])}</p>'
    yield from _blocks(title)
    yield '<div class="columns">'
    yield from _blocks([one for one in part["blocks"] if one not in title])
    yield f"</div>{_foot(part)}"


def _form_page(part: Part, head: Mapping[str, Any]) -> Iterator[str]:
    yield f'<p class="soft">{_words(head["name"])}</p>'
    yield from _blocks(part["blocks"])
    yield _foot(part)


def _pack(part: Part, head: Mapping[str, Any]) -> Iterator[str]:
    yield f'<p class="school" dir="ltr">{_words(head["name"])}</p>'
    yield f'<p class="soft" dir="ltr">{_words(", ".join(head["lines"]))}</p>'
    yield f'<p class="right"><strong>{_words(part["confidential"])}</strong></p>'
    yield _address(part["recipient"]["lines"])
    yield f'<p class="right">{_words(part["dated"])}</p>'
    yield from _blocks(part["blocks"])
    yield _foot(part)


def _certificate(part: Part, head: Mapping[str, Any]) -> Iterator[str]:
    yield f'<p class="soft"><strong>{_words(head["name"])}</strong></p>'
    yield from _blocks(part["blocks"])
    yield f"<p>{_words(part['dated'])}<br>{_words(part['date-words'])}</p>"


def _foot(part: Part) -> str:
    return f'<footer class="soft">{_words(part["foot"])}</footer>'


def _address(lines: Sequence[str], kind: str = "address") -> str:
    return f'<address class="{kind}" dir="ltr">{"<br>".join(map(_words, lines))}</address>'


_PAGES = {"letter": _letter, "leaflet": _leaflet, "form": _form_page, "pack": _pack, "certificate": _certificate}


# ---------------------------------------------------------------- blocks


def _blocks(blocks: Iterable[_Block]) -> Iterator[str]:
    for block in blocks:
        match block["is"]:
            case "heading":
                level = min(block["level"], 6)
                yield f"<h{level}>{_runs(block['runs'])}</h{level}>"
            case "paragraph":
                yield f"<p>{_runs(block['runs'])}</p>"
            case "items":
                kind = "ol" if block["ordered"] else "ul"
                yield f"<{kind}>{''.join(f'<li>{_item(item)}</li>' for item in block['items'])}</{kind}>"
            case "table":
                yield _table(block)
            case "box":
                yield f'<div class="box">{"".join(_blocks(block["blocks"]))}</div>'
            case "form":
                yield _form(block)
            case "signature":
                closing = f"<p>{_runs(block['closing'])}</p>" if block["closing"] else ""
                yield f'{closing}<p class="signed">{_runs(block["signer"])}</p>'
            case "picture":
                # The drawing is ours, made by `marks` with every word in it escaped.
                yield f'<figure role="img" aria-label="{escape(block["alt"])}">{block["svg"]}</figure>'
            case "break":
                yield "" if block["column"] else '<hr class="break">'
            case other:
                raise ValueError(f"a block of an unknown kind: {other}")


def _item(blocks: Sequence[_Block]) -> str:
    if len(blocks) == 1 and blocks[0]["is"] == "paragraph":
        return _runs(blocks[0]["runs"])
    return "".join(_blocks(blocks))


def _table(block: _Block) -> str:
    sides = [f' class="{side}"' if side != "left" else "" for side in block["align"]]
    head = "".join(f'<th scope="col"{side}>{_runs(c)}</th>' for c, side in zip(block["header"], sides, strict=True))
    rows = "".join(
        f"<tr>{''.join(f'<td{side}>{_runs(cell)}</td>' for cell, side in zip(row, sides, strict=True))}</tr>"
        for row in block["rows"]
    )
    to_fill = ' class="to-fill"' if any(not cell for row in block["rows"] for cell in row) else ""
    return f"<table{to_fill}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _form(block: _Block) -> str:
    lines = '<span class="line"></span>' * (0 if block["tick"] else block["lines"])
    look = ' class="tick"' if block["tick"] else ""
    labels = "".join(f"<div{look}><span>{_runs(label)}</span>{lines}</div>" for label in block["labels"])
    return f'<div class="form">{labels}</div>'


# ---------------------------------------------------------------- words


def _tag(part: Part) -> str:
    return escape(f"{part['lang']}-{part['region']}" if part["region"] else part["lang"])


def _runs(runs: Iterable[Sequence[Any]]) -> str:
    found = []
    for words, bold, italic, *_ in runs:
        said = _words(words)
        said = f"<em>{said}</em>" if italic else said
        found.append(f"<strong>{said}</strong>" if bold else said)
    return "".join(found)


def _words(words: str) -> str:
    """Words escaped; what keeps its own direction (a telephone number, a name in another script) is set apart."""
    found, at = [], 0
    for match in _ISOLATED.finditer(words):
        found.append(_plain(words[at : match.start()]))
        found.append(f'<bdi dir="{"rtl" if has_rtl(match[1]) else "ltr"}">{_plain(match[1])}</bdi>')
        at = match.end()
    return "".join([*found, _plain(words[at:])])


def _plain(words: str) -> str:
    return escape(_UNSEEN.sub("", words)).replace("\u200b", "<wbr>").replace("\n", "<br>")
