"""A letter as an editable file of a word processor, for schools that finish letters by hand.

Belongs here: the parts of a letter as WordprocessingML, and the file around it. Does not belong here: words
(``parts``), and what the printed page looks like (``pdf``): this is the same text, set plainly.

The address stands in a frame at the window's place on the page, so that it stays there whatever is written above or
below it. Every run says its language and its direction. A value is text and nothing else: markup and field codes in it
are shown as they are typed. The same letter gives the same bytes: the file bears the letter's date alone.
"""

import datetime
import io
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from attendance_pipeline.letters.inert import has_rtl
from attendance_pipeline.letters.letter import Letter, Letterhead
from attendance_pipeline.letters.parts import document_of, layout_of
from attendance_pipeline.letters.pdf import picture
from attendance_pipeline.letters.templates import Templates

Part = Mapping[str, Any]

_FONT = "Arial"  # every office has it, with Arabic; the letters' own fonts may not be on the machine that opens this
_INK, _DEEP, _SOFT, _LINE, _TINT = "1B1F24", "1D3B5C", "4D5866", "8794A3", "EEF3F8"
_SIZES = {"letter": 10.5, "leaflet": 11.0, "form": 10.5, "pack": 9.5, "certificate": 16.0}  # points
_TOPS = {"letter": 22.0, "leaflet": 15.0, "form": 15.0, "pack": 18.0, "certificate": 34.0}  # mm, as in letter.typ
_BOTTOM, _SIDE_OF_CERTIFICATE = 18.5, 50.0
_NAME_Y, _CONTACT_X, _CONTACT_Y, _CONTACT_WIDTH = 12.5, 132.0, 13.2, 63.0
_FACTS_Y, _SALUTATION_Y = 40.0, 66.0  # of a letter that is handed over
_GUTTER = 10.0  # mm between the columns of a leaflet
_DOTS_PER_INCH = 200
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can hold
_ISOLATED = re.compile("([\u2066\u2067\u2068][^\u2066-\u2069]*\u2069)")
_RTL_WORDS = re.compile(
    "([\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+(?:[\\s\u200c\u200d]+[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+)*)"
)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff\u200b]")
_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_NAMESPACES = (
    f'xmlns:w="{_MAIN}" xmlns:r="{_OFFICE}" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def render_docx(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> bytes:
    """One letter with its enclosures as a .docx, each part a section with its own pages.

    Raises ``LetterError`` and ``templates.TemplateError`` as ``pdf.render_letter`` does.
    """
    data = document_of([letter], letterhead, layout_of(layout), templates, own_sheets=False)
    return _File(data, f"{letterhead.name}: {letter.reference}", letter.date, templates).packed()


class _File:
    """Collects the body and what it refers to: headers, footers, pictures, lists that count."""

    def __init__(self, data: Mapping[str, Any], title: str, date: datetime.date, templates: Templates) -> None:
        self.data, self.title, self.date, self.templates = data, title, date, templates
        self.head, self.geometry = data["head"], data["geometry"]
        self.related: dict[str, tuple[str, str, bytes]] = {}  # file in the package: id, kind, content
        self.counted = 0
        self.pictures = 0

    def packed(self) -> bytes:
        parts = self.data["parts"]
        body: list[str] = []
        for number, part in enumerate(parts):
            content = _Page(self, part).content()
            body += _with_section(content, self._section(part, first=number == 0), last=number == len(parts) - 1)
        document = f"{_XML}<w:document {_NAMESPACES}><w:body>{''.join(body)}</w:body></w:document>"
        return self._zipped(document)

    def relate(self, name: str, kind: str, content: bytes) -> str:
        """The id by which the body refers to another file of the package."""
        for identity, _, same in self.related.values():
            if same == content:
                return identity
        identity = f"rId{len(self.related) + 10}"
        stem, dot, ending = name.partition(".")
        self.related[f"{stem}{len(self.related) + 1}{dot}{ending}"] = (identity, kind, content)
        return identity

    def _section(self, part: Part, *, first: bool, columns: int = 1, goes_on: bool = False) -> str:
        festive, page = part["page"] == "certificate", part["page"]
        left = _SIDE_OF_CERTIFICATE if festive else self.geometry["left"]
        right = _SIDE_OF_CERTIFICATE if festive else self.geometry["right"]
        running = "" if page not in ("letter", "pack") else self._running(part)
        empty = _paragraph("", "Header")
        references = [
            f'<w:headerReference w:type="default" r:id="{self._story("header", running or empty)}"/>',
            f'<w:headerReference w:type="first" r:id="{self._story("header", empty)}"/>',
        ]
        footer = self._story("footer", _paragraph("", "Footer") if festive else self._footer(part, left, right))
        references += [f'<w:footerReference w:type="{kind}" r:id="{footer}"/>' for kind in ("default", "first")]
        size = 'w:w="16838" w:h="11906" w:orient="landscape"' if festive else 'w:w="11906" w:h="16838"'
        return (
            f"<w:sectPr>{''.join(references)}"
            f'<w:type w:val="{"continuous" if goes_on else "nextPage"}"/><w:pgSz {size}/>'
            f'<w:pgMar w:top="{_twips(_TOPS[page])}" w:right="{_twips(right)}" '
            f'w:bottom="{_twips(20.0 if festive else _BOTTOM)}" w:left="{_twips(left)}" w:header="{_twips(9)}" '
            f'w:footer="{_twips(8)}" w:gutter="0"/>'
            + (_PAGE_BORDER if festive else "")
            + ("" if goes_on else '<w:pgNumType w:start="1"/>')
            + f'<w:cols w:num="{columns}" w:space="{_twips(_GUTTER)}"/>'
            + ('<w:vAlign w:val="center"/>' if festive else "")
            + "<w:titlePg/>"
            # Not for a letter: places on the page would be counted from its right edge, the address' among them.
            + ("<w:bidi/>" if part["dir"] == "rtl" and page != "letter" else "")
            + "</w:sectPr>"
        )

    def _story(self, kind: str, content: str) -> str:
        tag = "hdr" if kind == "header" else "ftr"
        xml = f"{_XML}<w:{tag} {_NAMESPACES}>{content}</w:{tag}>"
        return self.relate(f"{kind}.xml", kind, xml.encode())

    def _running(self, part: Part) -> str:
        """Pages after the first say whose they are, should they come apart."""
        words = _text(self.head["name"], part, "ltr") + "<w:r><w:tab/></w:r>" + _text(part["dated"], part)
        return _paragraph(words, "Header", f"<w:tabs>{self._end_tab(part)}</w:tabs>{_bidi(part)}")

    def _footer(self, part: Part, left: float, right: float) -> str:
        before, _, rest = part["page-words"].partition("{page}")
        between, _, after = rest.partition("{pages}")
        words = (
            _text(part["foot"], part)
            + "<w:r><w:tab/></w:r>"
            + _text(before, part)
            + _field("PAGE")
            + _text(between, part)
            + _field("SECTIONPAGES")
            + _text(after, part)
        )
        return _paragraph(words, "Footer", f"<w:tabs>{self._end_tab(part)}</w:tabs>{_bidi(part)}")

    def _end_tab(self, part: Part) -> str:
        width = 210.0 - self.geometry["left"] - self.geometry["right"]
        return f'<w:tab w:val="right" w:pos="{_twips(width)}"/>'

    # ------------------------------------------------------------ the package

    def _zipped(self, document: str) -> bytes:
        kinds = {"header": "header", "footer": "footer"}
        overrides = [
            ("/word/document.xml", "document.main"),
            ("/word/styles.xml", "styles"),
            ("/word/numbering.xml", "numbering"),
            ("/word/settings.xml", "settings"),
            *((f"/word/{name}", kind) for name, (_, kind, _) in self.related.items() if kind in kinds),
        ]
        types = "".join(
            f'<Override PartName="{name}" '
            f'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"/>'
            for name, kind in overrides
        )
        related = [("rId1", "styles", "styles.xml"), ("rId2", "numbering", "numbering.xml")]
        related += [("rId3", "settings", "settings.xml")]
        related += [(identity, kind, name) for name, (identity, kind, _) in self.related.items()]
        files: dict[str, str | bytes] = {
            "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
            f"{types}"
            '<Override PartName="/docProps/core.xml" '
            'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
            "_rels/.rels": _relations(
                [("rId1", f"{_OFFICE}/officeDocument", "word/document.xml"),
                 ("rId2", f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml")]
            ),
            "docProps/core.xml": self._core(),
            "word/document.xml": document,
            "word/_rels/document.xml.rels": _relations([(i, f"{_OFFICE}/{k}", n) for i, k, n in related]),
            "word/styles.xml": self._styles(),
            "word/numbering.xml": self._numbering(),
            "word/settings.xml": f"{_XML}<w:settings {_NAMESPACES}><w:zoom w:percent=\"100\"/>"
            '<w:defaultTabStop w:val="720"/><w:compat><w:compatSetting w:name="compatibilityMode" '
            'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>',
            **{f"word/{name}": content for name, (_, _, content) in self.related.items()},
        }  # fmt: skip
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
                packed.writestr(entry, content)
        return out.getvalue()

    def _core(self) -> str:
        stamp = f"{self.date:%Y-%m-%d}T12:00:00Z"
        times = "".join(
            f'<dcterms:{one} xsi:type="dcterms:W3CDTF">{stamp}</dcterms:{one}>' for one in ("created", "modified")
        )
        return (
            f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{_clean(self.title)}</dc:title><dc:creator>{_clean(self.head['name'])}</dc:creator>"
            f"<dc:language>{_tag(self.data['parts'][0])}</dc:language>{times}</cp:coreProperties>"
        )

    def _styles(self) -> str:
        tag = _tag(self.data["parts"][0])
        return (
            f'{_XML}<w:styles {_NAMESPACES}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="{_FONT}" '
            f'w:hAnsi="{_FONT}" w:cs="{_FONT}" w:eastAsia="{_FONT}"/><w:color w:val="{_INK}"/><w:sz w:val="21"/>'
            f'<w:szCs w:val="21"/><w:lang w:val="{tag}" w:eastAsia="{tag}" w:bidi="{tag}"/></w:rPr></w:rPrDefault>'
            '<w:pPrDefault><w:pPr><w:spacing w:after="110" w:line="254" w:lineRule="auto"/></w:pPr></w:pPrDefault>'
            f"</w:docDefaults>{_STYLES}</w:styles>"
        )

    def _numbering(self) -> str:
        counted = "".join(
            f'<w:num w:numId="{n + 2}"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride '
            'w:val="1"/></w:lvlOverride></w:num>'
            for n in range(self.counted)
        )
        levels = {"bullet": "•", "decimal": "%1."}
        abstract = "".join(
            f'<w:abstractNum w:abstractNumId="{number}"><w:multiLevelType w:val="singleLevel"/><w:lvl w:ilvl="0">'
            f'<w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{sign}"/><w:lvlJc w:val="left"/>'
            '<w:pPr><w:ind w:left="397" w:hanging="340"/></w:pPr></w:lvl></w:abstractNum>'
            for number, (kind, sign) in enumerate(levels.items())
        )
        return (
            f"{_XML}<w:numbering {_NAMESPACES}>{abstract}"
            f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{counted}</w:numbering>'
        )


class _Page:
    """One part as paragraphs and tables."""

    def __init__(self, file: _File, part: Part) -> None:
        self.file, self.part, self.head, self.geometry = file, part, file.head, file.geometry
        self.size = _SIZES[part["page"]]
        self.wide = 210.0 - self.geometry["left"] - self.geometry["right"]  # mm of a line
        if part["page"] == "leaflet":
            self.wide = (self.wide - _GUTTER) / 2

    def content(self) -> list[str]:
        of = {"letter": self._letter, "leaflet": self._leaflet, "form": self._form_page, "pack": self._pack}
        of["certificate"] = self._certificate
        return list(of[self.part["page"]]())

    def _text(self, words: str, **look: Any) -> str:
        return _text(words, self.part, **{"size": self.size, **look})

    def _runs(self, runs: Iterable[Sequence[Any]], **look: Any) -> str:
        return _joined_runs(runs, self.part, **{"size": self.size, **look})

    # ------------------------------------------------------------ pages

    def _letter(self) -> Iterator[str]:
        posted = bool(self.part["recipient"]["lines"])
        geometry, head = self.geometry, self.head
        name = _text(head["name"], self.part, "ltr", bold=True, colour=_DEEP, size=19 if len(head["name"]) < 32 else 14)
        yield _paragraph(name, "Normal", _frame(geometry["left"], _NAME_Y, 100.0) + _TIGHT)
        at = _frame(_CONTACT_X, _CONTACT_Y, _CONTACT_WIDTH)
        for line in head["lines"]:
            yield _paragraph(_text(line, self.part, "ltr", size=9, colour=_SOFT), "Normal", at + _TIGHT)
        if posted:
            recipient = self.part["recipient"]
            at = _frame(geometry["address-x"], geometry["address-y"], geometry["address-width"])
            pitch = round(recipient["pitch"] * 20)
            spacing = f'<w:spacing w:before="0" w:after="0" w:line="{pitch}" w:lineRule="exact"/>'
            for line in recipient["lines"]:
                yield _paragraph(_text(line, self.part, "ltr", size=recipient["size"]), "Normal", at + spacing)
        at = _frame(
            _CONTACT_X, geometry["address-y"] if posted else _FACTS_Y, self.wide + geometry["left"] - _CONTACT_X
        )
        for label, value in self.part["facts"]:
            yield _paragraph(self._text(label, size=8.5, colour=_SOFT), "Normal", at + _bidi(self.part) + _TIGHT)
            yield _paragraph(
                self._text(value, size=10), "Normal",
                at + _bidi(self.part) + '<w:spacing w:before="0" w:after="140" w:line="240" w:lineRule="auto"/>',
            )  # fmt: skip
        salutation_y = geometry["salutation-y"] if posted else _SALUTATION_Y
        # The type stands in the middle of its line; what is printed of it begins about a millimetre below its top.
        before = _twips(salutation_y - _TOPS["letter"] - 1.2)
        # What frames are tied to: were it a line from right to left, their places would be counted from the right.
        yield _paragraph("", "Normal", '<w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>')
        yield _paragraph(
            self._text(self.part["salutation"]), "Salutation",
            _bidi(self.part) + f'<w:spacing w:before="{before}" w:after="160"/>',
        )  # fmt: skip
        yield from self.blocks(self.part["blocks"])

    def _leaflet(self) -> Iterator[str]:
        title = [one for one in self.part["blocks"] if one["is"] == "heading" and one["level"] == 1]
        yield _paragraph(self._text(self.head["name"], size=10, colour=_SOFT), "Normal", _bidi(self.part))
        yield from self.blocks(title, size=24)
        yield _section_end(self.file._section(self.part, first=False))
        yield _COLUMNS_FROM_HERE
        yield from self.blocks([one for one in self.part["blocks"] if one not in title])

    def _form_page(self) -> Iterator[str]:
        yield _paragraph(self._text(self.head["name"], size=9.5, colour=_SOFT), "Normal", _bidi(self.part))
        yield from self.blocks(self.part["blocks"])

    def _pack(self) -> Iterator[str]:
        yield _paragraph(_text(self.head["name"], self.part, "ltr", bold=True, colour=_DEEP, size=14), "Normal", _TIGHT)
        lines = ", ".join(self.head["lines"])
        yield _paragraph(_text(lines, self.part, "ltr", size=8.5, colour=_SOFT), "Normal")
        end = '<w:jc w:val="right"/>'
        yield _paragraph(
            self._text(self.part["confidential"], bold=True, colour=_DEEP), "Normal", _bidi(self.part) + end
        )
        for line in self.part["recipient"]["lines"]:
            yield _paragraph(_text(line, self.part, "ltr", size=self.size), "Normal", _TIGHT)
        yield _paragraph(self._text(self.part["dated"]), "Normal", _bidi(self.part) + end)
        yield from self.blocks(self.part["blocks"])

    def _certificate(self) -> Iterator[str]:
        middle = _bidi(self.part) + '<w:jc w:val="center"/>'
        yield _paragraph(self._text(self.head["name"], size=14, bold=True, colour=_SOFT), "Normal", middle)
        name_is_next = False
        for block in self.part["blocks"]:
            if block["is"] == "signature":
                yield _paragraph(self._runs(block["closing"], size=17), "Normal", middle)
                yield _paragraph(
                    self._runs(block["signer"], size=11.5), "Normal",
                    _bidi(self.part) + '<w:spacing w:before="1400"/><w:jc w:val="center"/>',
                )  # fmt: skip
                yield _paragraph(self._text(self.part["dated"], size=12.5), "Normal", middle)
                yield _paragraph(self._text(self.part["date-words"], size=11.5), "Normal", middle)
            elif block["is"] == "paragraph":
                look = {"size": 25, "colour": _DEEP} if name_is_next else {"size": 17}
                yield _paragraph(self._runs(block["runs"], **look), "Normal", middle)
                name_is_next = False
            else:
                yield from self.blocks([block], size=40, align="center")
                name_is_next = block["is"] == "heading"

    # ------------------------------------------------------------ blocks

    def blocks(
        self, blocks: Iterable[Mapping[str, Any]], *, boxed: bool = False, size: float = 0.0, align: str = ""
    ) -> Iterator[str]:
        """The blocks in order; ``size`` and ``align`` are of headings that stand out, ``boxed`` of a tinted box."""
        waiting = ""  # a break goes into the paragraph that follows, which would else begin one line down
        for block in blocks:
            if block["is"] == "break":
                waiting = f'<w:r><w:br w:type="{"column" if block["column"] else "page"}"/></w:r>'
                continue
            for made in self._block(block, boxed, size, align):
                if waiting and not made.startswith("<w:p>"):
                    yield _paragraph(waiting, "Normal", _TIGHT)
                    yield made
                else:
                    yield made.replace("</w:pPr>", f"</w:pPr>{waiting}", 1) if waiting else made
                waiting = ""

    def _block(self, block: Mapping[str, Any], boxed: bool, size: float, align: str) -> Iterator[str]:
        match block["is"]:
            case "heading":
                larger = size or {1: self.size * 1.32, 2: self.size * 1.1}.get(block["level"], self.size)
                style = f"Heading{min(block['level'], 6)}"
                shape = f'<w:jc w:val="{align}"/>' if align else ""
                words = self._runs(block["runs"], size=larger, bold=True, colour=_DEEP)
                yield _paragraph(words, style, _box(boxed, self.part) + _bidi(self.part) + _indent(boxed) + shape)
            case "paragraph":
                keep = "<w:keepNext/>" if block["keep"] else ""
                shape = keep + _box(boxed, self.part) + _bidi(self.part) + _indent(boxed)
                yield _paragraph(self._runs(block["runs"]), "Normal", shape)
            case "items":
                yield from self._items(block, boxed)
            case "table":
                yield from self._table(block)
            case "box":
                yield from self.blocks(block["blocks"], boxed=True)
            case "form":
                yield from self._ticks(block) if block["tick"] else self._lines(block)
            case "signature":
                yield from self._signature(block)
            case "picture":
                yield self._picture(block)
            case other:
                raise ValueError(f"a block of an unknown kind: {other}")

    def _items(self, block: Mapping[str, Any], boxed: bool) -> Iterator[str]:
        number = 1
        if block["ordered"]:
            self.file.counted += 1
            number = self.file.counted + 1
        listed = f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{number}"/></w:numPr>'
        spacing = '<w:spacing w:after="60"/>'
        for item in block["items"]:
            for place, inner in enumerate(item):
                if inner["is"] != "paragraph":
                    yield from self.blocks([inner], boxed=boxed)
                    continue
                shape = (listed if place == 0 else "") + _box(boxed, self.part) + _bidi(self.part) + spacing
                yield _paragraph(self._runs(inner["runs"]), "ListParagraph", shape)

    def _table(self, block: Mapping[str, Any]) -> Iterator[str]:
        to_fill = any(not cell for row in block["rows"] for cell in row)
        widths = self._widths(block, to_fill)
        rows = [self._row(block["header"], block["align"], widths, head=True)]
        rows += [self._row(row, block["align"], widths, high=to_fill and not all(row)) for row in block["rows"]]
        yield _table(rows, widths, self.part, "LetterForm" if to_fill else "LetterTable")
        yield _AFTER_TABLE

    def _widths(self, block: Mapping[str, Any], to_fill: bool) -> list[float]:
        """Of each column, in mm: shares as drawn where it is to be written in, else by its words."""
        count, wide = len(block["header"]), self.wide
        if (to_fill or block["fixed"]) and len(block["shares"]) == count:
            return [wide * share / sum(block["shares"]) for share in block["shares"]]
        columns = [[block["header"][n], *(row[n] for row in block["rows"])] for n in range(count)]
        letters = [max(sum(len(run[0]) for run in cell) for cell in column) for column in columns]
        needed = [min(6.0 + 0.175 * self.size * one, wide * 0.4) for one in letters]
        rest = count - 1 if block["align"][-1] == "left" else 0
        needed[rest] = max(needed[rest], wide - sum(needed) + needed[rest])
        return [one * wide / sum(needed) for one in needed]

    def _row(
        self,
        cells: Sequence[Any],
        align: Sequence[str],
        widths: Sequence[float],
        *,
        head: bool = False,
        high: bool = False,
    ) -> str:
        look: dict[str, Any] = {"bold": True, "colour": _DEEP} if head else {}
        made = []
        for cell, side, width in zip(cells, align, widths, strict=True):
            fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{_TINT}"/>' if head else ""
            shape = ("<w:keepNext/>" if head else "") + _bidi(self.part) + _CELL
            shape += f'<w:jc w:val="{side}"/>' if side != "left" else ""
            made.append(
                f'<w:tc><w:tcPr><w:tcW w:w="{_twips(width)}" w:type="dxa"/>{fill}<w:vAlign w:val="center"/></w:tcPr>'
                f"{_paragraph(self._runs(cell, **look), 'Normal', shape)}</w:tc>"
            )
        shape = "<w:cantSplit/>" + (f'<w:trHeight w:val="{_twips(12)}" w:hRule="atLeast"/>' if high else "")
        return f"<w:tr><w:trPr>{shape}{'<w:tblHeader/>' if head else ''}</w:trPr>{''.join(made)}</w:tr>"

    def _lines(self, block: Mapping[str, Any]) -> Iterator[str]:
        """Labels side by side, each with lines to write on: a table without a frame, gaps between its columns."""
        labels, gap = block["labels"], 7.0
        column = (self.wide - gap * (len(labels) - 1)) / len(labels)
        widths = [column if n % 2 == 0 else gap for n in range(2 * len(labels) - 1)]
        shape = _bidi(self.part) + _CELL
        rows = [[_paragraph(self._runs(one, size=self.size * 0.88, colour=_SOFT), "Normal", shape) for one in labels]]
        rows += [[_paragraph("", "Normal", shape)] * len(labels) for _ in range(block["lines"])]
        made = []
        for number, row in enumerate(rows):
            line = f'<w:tcBorders><w:bottom w:val="single" w:sz="5" w:color="{_LINE}"/></w:tcBorders>' if number else ""
            cells = []
            for place, width in enumerate(widths):
                content, edge = ("", "") if place % 2 else (row[place // 2], line)
                cells.append(
                    f'<w:tc><w:tcPr><w:tcW w:w="{_twips(width)}" w:type="dxa"/>{edge}'
                    '<w:vAlign w:val="bottom"/></w:tcPr>'
                    f"{content or _paragraph('', 'Normal', shape)}</w:tc>"
                )
            high = f'<w:trHeight w:val="{_twips(8)}" w:hRule="atLeast"/>' if number else ""
            made.append(f"<w:tr><w:trPr><w:cantSplit/>{high}</w:trPr>{''.join(cells)}</w:tr>")
        yield _table(made, widths, self.part, "LetterLines")
        yield _AFTER_TABLE

    def _ticks(self, block: Mapping[str, Any]) -> Iterator[str]:
        words = '<w:r><w:t xml:space="preserve">     </w:t></w:r>'.join(
            _TICK + self._runs(label) for label in block["labels"]
        )
        yield _paragraph(words, "Normal", _bidi(self.part))

    def _signature(self, block: Mapping[str, Any]) -> Iterator[str]:
        if block["closing"]:
            yield _paragraph(self._runs(block["closing"]), "Normal", "<w:keepNext/>" + _bidi(self.part))
        space = f'<w:spacing w:before="{_twips(13)}"/>'
        yield _paragraph(self._runs(block["signer"]), "Signature", "<w:keepLines/>" + _bidi(self.part) + space)

    def _picture(self, block: Mapping[str, Any]) -> str:
        image = picture(block["svg"], self.wide, _DOTS_PER_INCH, self.file.templates)
        pixels_wide, pixels_high = struct.unpack(">II", image[16:24])
        self.file.pictures += 1
        identity = self.file.relate("media/picture.png", "image", image)
        wide = round(self.wide * 36000)
        size = f'cx="{wide}" cy="{round(wide * pixels_high / pixels_wide)}"'
        number = self.file.pictures
        alt = quoteattr(_NOT_XML.sub("", block["alt"]))
        drawing = (
            f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent {size}/>'
            f'<wp:docPr id="{number}" name="Picture {number}" descr={alt}/>'
            '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
            f'<pic:nvPicPr><pic:cNvPr id="{number}" name="picture.png" descr={alt}/><pic:cNvPicPr/></pic:nvPicPr>'
            f'<pic:blipFill><a:blip r:embed="{identity}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
            "</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )
        return _paragraph(drawing, "Normal")


# ---------------------------------------------------------------- words


def _clean(words: str) -> str:
    return escape(_NOT_XML.sub("", words))


def _tag(part: Part) -> str:
    return f"{part['lang']}-{part['region']}" if part["region"] else str(part["lang"])


def _pieces(words: str, rtl: bool) -> Iterator[tuple[str, bool]]:
    """The words in pieces of one direction, each with whether it runs from right to left."""
    for number, piece in enumerate(_ISOLATED.split(words)):
        if number % 2 or rtl:
            yield piece, has_rtl(piece) if number % 2 else rtl
        else:
            yield from ((one, bool(place % 2)) for place, one in enumerate(_RTL_WORDS.split(piece)))


def _joined_runs(runs: Iterable[Sequence[Any]], part: Part, **look: Any) -> str:
    return "".join(
        _text(words, part, **{**look, "bold": bold or look.get("bold", False), "italic": italic})
        for words, bold, italic, *_ in runs
    )


def _text(
    words: str,
    part: Part,
    direction: str = "",
    *,
    size: float = 0.0,
    bold: bool = False,
    italic: bool = False,
    colour: str = "",
) -> str:
    """Text as runs of one language and direction; ``direction`` if not that of the part."""
    found = []
    for piece, rtl in _pieces(words, (direction or part["dir"]) == "rtl"):
        if not piece:
            continue
        own = rtl == (part["dir"] == "rtl") or part["dir"] == "ltr"
        tag = _tag(part) if own else "en-GB"  # Latin values in a right-to-left letter: names, numbers, references
        look = (
            ("<w:b/><w:bCs/>" if bold else "")
            + ("<w:i/><w:iCs/>" if italic else "")
            + (f'<w:color w:val="{colour}"/>' if colour else "")
            + (f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>' if size else "")
            + ("<w:rtl/>" if rtl else "")
            + (f'<w:lang w:bidi="{tag}"/>' if rtl else f'<w:lang w:val="{tag}"/>')
        )
        lines = "<w:br/>".join(f'<w:t xml:space="preserve">{_clean(line)}</w:t>' for line in piece.split("\n"))
        found.append(f"<w:r><w:rPr>{look}</w:rPr>{lines}</w:r>")
    return "".join(found)


def _field(name: str) -> str:
    return f'<w:fldSimple w:instr=" {name} "><w:r><w:t>1</w:t></w:r></w:fldSimple>'


# ---------------------------------------------------------------- shapes

_ORDER = (
    *("pStyle", "keepNext", "keepLines", "framePr", "numPr", "pBdr", "shd", "tabs", "bidi", "spacing", "ind", "jc"),
    "sectPr",
)
_TIGHT = '<w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="auto"/>'
_CELL = '<w:spacing w:before="30" w:after="30" w:line="240" w:lineRule="auto"/>'
_TICK = '<w:r><w:rPr><w:rFonts w:ascii="Segoe UI Symbol" w:hAnsi="Segoe UI Symbol"/></w:rPr><w:t xml:space="preserve">☐ </w:t></w:r>'  # noqa: E501
_AFTER_TABLE = '<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="160" w:lineRule="exact"/></w:pPr></w:p>'
_COLUMNS_FROM_HERE = "<!-- two columns -->"
_SIDES = ("top", "left", "bottom", "right")
_PAGE_BORDER = (
    '<w:pgBorders w:offsetFrom="page">'
    + "".join(f'<w:{side} w:val="double" w:sz="12" w:space="24" w:color="{_DEEP}"/>' for side in _SIDES)
    + "</w:pgBorders>"
)
_PROPERTY = re.compile(r"<w:(\w+)(?:\s[^>]*)?(?:/>|>.*?</w:\1>)", re.DOTALL)


def _twips(millimetres: float) -> int:
    return round(millimetres * 1440 / 25.4)


def _paragraph(runs: str, style: str, shape: str = "") -> str:
    """A paragraph; what shapes it is put into the order that the file format asks for."""
    found = {match[1]: match[0] for match in _PROPERTY.finditer(shape)}
    found["pStyle"] = f'<w:pStyle w:val="{style}"/>'
    return f"<w:p><w:pPr>{''.join(found[name] for name in _ORDER if name in found)}</w:pPr>{runs}</w:p>"


def _frame(x: float, y: float, width: float) -> str:
    """A place on the page itself, in mm from its top left corner; paragraphs with the same place share one frame."""
    return (
        f'<w:framePr w:w="{_twips(width)}" w:hSpace="0" w:vSpace="0" w:wrap="around" w:vAnchor="page" '
        f'w:hAnchor="page" w:x="{_twips(x)}" w:y="{_twips(y)}"/>'
    )


def _bidi(part: Part) -> str:
    return "<w:bidi/>" if part["dir"] == "rtl" else ""


def _box(boxed: bool, part: Part) -> str:
    if not boxed:
        return ""
    side = "right" if part["dir"] == "rtl" else "left"
    return (
        f'<w:pBdr><w:{side} w:val="single" w:sz="18" w:space="8" w:color="{_DEEP}"/></w:pBdr>'
        f'<w:shd w:val="clear" w:color="auto" w:fill="{_TINT}"/>'
    )


def _indent(boxed: bool) -> str:
    return '<w:ind w:left="227" w:right="113"/>' if boxed else ""


def _table(rows: Sequence[str], widths: Sequence[float], part: Part, style: str) -> str:
    grid = "".join(f'<w:gridCol w:w="{_twips(width)}"/>' for width in widths)
    visual = "<w:bidiVisual/>" if part["dir"] == "rtl" else ""
    first = "0" if style == "LetterLines" else "1"
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="{style}"/>{visual}<w:tblW w:w="{_twips(sum(widths))}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/><w:tblLook w:val="0020" w:firstRow="{first}" w:lastRow="0" w:firstColumn="0" '
        f'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(rows)}</w:tbl>'
    )


def _section_end(section: str) -> str:
    """A paragraph of no height that ends a section."""
    return _paragraph("", "Normal", '<w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>' + section)


def _with_section(content: list[str], section: str, *, last: bool) -> list[str]:
    """The content of a part with its section at its end; the last section stands at the end of the body."""
    if _COLUMNS_FROM_HERE in content:
        content = [one for one in content if one != _COLUMNS_FROM_HERE]
        section = section.replace('w:val="nextPage"', 'w:val="continuous"').replace('w:num="1"', 'w:num="2"')
        section = section.replace('<w:pgNumType w:start="1"/>', "")
    return [*content, section] if last else [*content, _section_end(section)]


def _relations(related: Iterable[tuple[str, str, str]]) -> str:
    rows = "".join(f'<Relationship Id="{i}" Type="{kind}" Target="{target}"/>' for i, kind, target in related)
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _style(identity: str, name: str, shape: str = "", look: str = "", kind: str = "paragraph") -> str:
    default = ' w:default="1"' if identity == "Normal" else ""
    based = '<w:basedOn w:val="Normal"/>' if identity != "Normal" and kind == "paragraph" else ""
    return (
        f'<w:style w:type="{kind}"{default} w:styleId="{identity}"><w:name w:val="{name}"/>{based}<w:qFormat/>'
        f"{f'<w:pPr>{shape}</w:pPr>' if shape else ''}{f'<w:rPr>{look}</w:rPr>' if look else ''}</w:style>"
    )


def _table_style(identity: str, name: str, borders: str) -> str:
    margins = '<w:tblCellMar><w:left w:w="113" w:type="dxa"/><w:right w:w="113" w:type="dxa"/></w:tblCellMar>'
    return (
        f'<w:style w:type="table" w:styleId="{identity}"><w:name w:val="{name}"/><w:tblPr>'
        f"{f'<w:tblBorders>{borders}</w:tblBorders>' if borders else ''}{margins}</w:tblPr></w:style>"
    )


def _edges(*sides: str) -> str:
    return "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="{_LINE}"/>' for side in sides)


_STYLES = "".join(
    [
        _style("Normal", "Normal"),
        *(
            _style(
                f"Heading{level}",
                f"heading {level}",
                f'<w:keepNext/><w:keepLines/><w:spacing w:before="200" w:after="100"/>'
                f'<w:outlineLvl w:val="{level - 1}"/>',
                f'<w:b/><w:bCs/><w:color w:val="{_DEEP}"/>',
            )
            for level in range(1, 7)
        ),
        _style("Salutation", "Salutation"),
        _style("Signature", "Signature"),
        _style("ListParagraph", "List Paragraph"),
        _style("Header", "header", _TIGHT, f'<w:color w:val="{_SOFT}"/><w:sz w:val="17"/><w:szCs w:val="17"/>'),
        _style("Footer", "footer", _TIGHT, f'<w:color w:val="{_SOFT}"/><w:sz w:val="17"/><w:szCs w:val="17"/>'),
        _table_style("LetterTable", "Letter table", _edges("top", "bottom", "insideH")),
        _table_style("LetterForm", "Letter form", _edges("top", "left", "bottom", "right", "insideH", "insideV")),
        _table_style("LetterLines", "Letter lines", ""),
    ]
)
