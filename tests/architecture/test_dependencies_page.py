"""docs/dependencies.md lists what is installed with the product, and under which licence:
`python tests/architecture/test_dependencies_page.py` renews it.

A licence that is not among those below fails: somebody has to read it before it is added there.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dependencies.md"
PRODUCT = "attendance-pipeline"
BEGIN, END = "<!-- made by tests/architecture/test_dependencies_page.py -->", "<!-- end -->"

# By SPDX identifiers. With all of these a school may use, copy and change the whole; the obligations of the last three
# concern whoever changes those libraries themselves and hands them on.
READ = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0"),
    *("Unlicense", "Zlib", "ISC", "ZPL-2.1"),
    *("MPL-2.0", "LGPL-3.0-only", "LGPL-3.0-or-later"),
}
# What packages that give no SPDX expression write instead.
SAID = {
    "MIT License": "MIT",
    "MIT license": "MIT",
    "BSD License": "BSD",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License Version 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",  # pypdfium2: PDFium's own beside it
}


def named(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_with(requirements: list[Requirement]) -> dict[str, Distribution]:
    """Every package that comes with these, by its name, as far as this machine needs it."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    ahead = requirements.copy()
    while ahead:
        wanted = ahead.pop()
        key = (named(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        found[key[0]] = package = distribution(wanted.name)
        for text in package.requires or []:
            more = Requirement(text)
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras)):
                ahead.append(more)
    return found


def direct() -> list[Requirement]:
    """What the product itself asks for, without its extras."""
    asked = [Requirement(text) for text in distribution(PRODUCT).requires or []]
    return [r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})]


def licence(package: Distribution) -> str:
    """The licence as an SPDX expression, as the package's own metadata give it."""
    expression = package.metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [c.split("::")[-1].strip() for c in package.metadata.get_all("Classifier", []) if "License ::" in c]
    written = (package.metadata.get("License") or "").strip()
    if written in SAID:
        return SAID[written]
    if "\n" not in written and len(written) < 40 and SAID.get(written, written) in READ:
        return SAID.get(written, written)
    return " OR ".join(sorted(SAID.get(c, c) for c in classified)) or written.split("\n")[0][:40]


def rows() -> dict[str, str]:
    """The lines of the page, by package."""
    asked = {named(r.name) for r in direct()}
    return {
        name: f"| {'**' + name + '**' if name in asked else name} | {package.version} | {licence(package)} |"
        for name, package in sorted(installed_with(direct()).items())
    }


def renewed(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    table = "\n".join(["| package | version | licence |", "|---|---|---|", *rows().values()])
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need some packages more and some less")
def test_the_page_lists_what_is_installed() -> None:
    on_page = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows().values() if row not in on_page]
    assert missing == [], "renew docs/dependencies.md: python tests/architecture/test_dependencies_page.py"


def test_every_licence_was_read() -> None:
    unread = {}
    for name, package in installed_with(direct()).items():
        words = set(re.findall(r"[A-Za-z0-9.+-]+", re.sub(r" WITH \S+", "", licence(package)))) - {"AND", "OR"}
        if not words or words - READ:
            unread[name] = licence(package)
    assert unread == {}


def test_every_package_is_pinned_at_what_is_installed() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split(";")[0].strip().split("==") for line in lines if "==" in line)
    by_name = {named(name): version for name, version in pinned.items()}
    assert {name: p.version for name, p in installed_with(direct()).items() if by_name.get(name) != p.version} == {}


def test_a_package_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PackageNotFoundError):
        installed_with([Requirement("no-such-package-of-anybody")])


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
