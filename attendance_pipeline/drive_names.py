"""Names of files and folders on the shared drive.

Belongs here: what a name may be so that every drive and every person's computer can hold it, and what a class's folder
is called. Not here: anything that touches a drive (`delivery.py`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

MAX_NAME = 120  # Windows and SharePoint count the whole path, of which a name is one of seven parts
MAX_NAME_BYTES = 240  # most file systems stop at 255

_FORBIDDEN = set('<>:"/\\|?*')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


class NameRefused(ValueError):
    """A file or folder name that a drive, or a person's computer, could not hold."""


def checked_name(name: str) -> str:
    """The name itself. Raises NameRefused, which says what is wrong without being more than the name's own words."""
    if problem := _problem(name):
        raise NameRefused(f"{name!r} cannot name a file or folder on the drive: {problem}")
    return name


def checked_what(what: str) -> str:
    """As checked_name, and not ending in a number: `-2` is what a second delivery of the day is called."""
    if re.search(r"-[0-9]+$", what):
        raise NameRefused(f"{what!r} cannot name a delivery: it ends like the second delivery of a day")
    return checked_name(what)


def _problem(name: str) -> str:
    if not name or name.strip(" .") == "":
        return "it is empty or only dots"
    if len(name) > MAX_NAME or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME} characters"
    if forbidden := sorted(_FORBIDDEN & set(name)):
        return f"it holds {' '.join(forbidden)}"
    if any(unicodedata.category(char).startswith("C") for char in name):
        return "it holds a character that cannot be seen"
    if name[0] in " .~" or name[-1] in " .":
        return "it begins with a space, a dot or ~, or ends with a space or a dot"
    if _RESERVED.fullmatch(name):
        return "Windows keeps this name for a device"
    return ""


def class_audiences(class_names: Iterable[str]) -> dict[str, str]:
    """Class name to its audience folder, `class-<name>`; what a drive cannot hold is replaced by `-`.

    Two classes never share a folder: a name that had to change, or differs from another only in case, bears a mark of
    the name it came from. The same class has the same folder whichever other classes there are, but for case.
    """
    out: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(class_names)):
        plain = "".join("-" if c in _FORBIDDEN or unicodedata.category(c).startswith("C") else c for c in name.strip())
        folder = f"class-{plain.rstrip(' .')}"[: MAX_NAME // 2]
        if folder != f"class-{name}" or alike(folder) in taken or _problem(folder):
            folder = f"{folder.rstrip(' .')}~{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        taken.add(alike(folder))
        out[name] = checked_name(folder)
    return out


def alike(name: str) -> str:
    """Names that some drive takes for one another are equal in this form."""
    return unicodedata.normalize("NFKC", name).casefold()
