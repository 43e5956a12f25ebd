"""What a person could read in a file, of whatever kind: tables, archives, markup, PDFs, and bytes as they are.

Belongs here: text out of bytes, for looking whether somebody is named in it. Not here: extracts, which are read by
their formats (`mis/`), and what is done about what is found.
"""

from __future__ import annotations

from attendance_pipeline.mis.without_rows import text_of

_PDF = b"%PDF-"


def readable(name: str, data: bytes) -> str:
    """The text of a file; of a PDF, also of one that cannot be opened, what its bytes say as well."""
    if data.startswith(_PDF):
        return "\n".join([*_pages(data), data.decode("latin-1")])
    return text_of(name, data)


def _pages(data: bytes) -> list[str]:
    import pypdfium2

    try:
        book = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return []
    try:
        return [page.get_textpage().get_text_range() for page in book]
    finally:
        book.close()
