"""Where things stand on a letter's first page, and fitting an address into the window of an envelope.

Belongs here: the two layouts in millimetres, and the choice of a type size for an address. Does not belong here:
drawing (``pdf``), or which lines an address has (``recipients``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from attendance_pipeline.letters.fonts import FontSet

MAX_LINES = 7
_POINTS_PER_MM = 72 / 25.4
_SIZES = (10.5, 10.0, 9.5, 9.0, 8.5, 8.0)  # points; the largest that fits is taken
_LARGEST_PITCH = 13.5  # points from line to line
_SMALLEST_PITCH = 1.1  # of the type size
_ROOM = 1.0  # mm kept free at the right and the bottom of the window


@dataclass(frozen=True)
class Layout:
    """A named page layout; lengths in mm from the top left corner of A4.

    ``window`` is left, top, right, bottom of what is always visible (``dl``) or read by the machine (``notify``), and
    ``left`` is where the address and everything else begins. ``folds``: where short lines at the edge say that the page
    is folded; none where the margin has to stay white (``notify``).
    """

    name: str
    window: tuple[float, float, float, float]
    left: float
    right: float
    address_y: float
    salutation_y: float
    folds: tuple[float, ...] = ()

    @property
    def address_width(self) -> float:
        return self.window[2] - self.left - _ROOM

    @property
    def address_height(self) -> float:
        return self.window[3] - self.address_y - _ROOM


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "dl",
            (20.0, 57.0, 100.0, 81.0),
            left=22.0,
            right=22.0,
            address_y=57.6,
            salutation_y=93.0,
            folds=(99.0, 198.0),
        ),
        Layout("notify", (24.6, 39.5, 120.0, 66.3), left=25.0, right=22.0, address_y=40.2, salutation_y=96.0),
    )
}


class AddressError(ValueError):
    """An address that the window cannot show whole; the message holds none of it."""


@dataclass(frozen=True)
class SetAddress:
    """``size`` and ``pitch`` (from line to line) in points."""

    lines: tuple[str, ...]
    size: float
    pitch: float


def fit_address(lines: tuple[str, ...], layout: Layout, fonts: FontSet, families: tuple[str, ...]) -> SetAddress:
    """The largest type in which the address fits.

    A line too long even for the smallest is broken at a space, if there is room for one more. Raises ``AddressError``.
    """
    if len(lines) > MAX_LINES:
        raise AddressError(f"the address has {len(lines)} lines; the window shows at most {MAX_LINES}")
    if any(not line.strip() for line in lines):
        raise AddressError("the address has an empty line")
    for candidate in (lines, _broken(lines, layout, fonts, families)):
        for size in _SIZES:
            pitch = min(_LARGEST_PITCH, layout.address_height * _POINTS_PER_MM / max(len(candidate), 1))
            if size * _SMALLEST_PITCH <= pitch and _fits(candidate, size, layout, fonts, families):
                return SetAddress(candidate, size, round(min(pitch, size * 1.3), 3))
    raise AddressError("a line of the address is too long for the window")


def _fits(lines: tuple[str, ...], size: float, layout: Layout, fonts: FontSet, families: tuple[str, ...]) -> bool:
    width = layout.address_width * _POINTS_PER_MM
    return len(lines) <= MAX_LINES and all(fonts.width(line, families, size) <= width for line in lines)


def _broken(lines: tuple[str, ...], layout: Layout, fonts: FontSet, families: tuple[str, ...]) -> tuple[str, ...]:
    """The lines with each too long one broken once or more at spaces; the postcode, last, is never touched."""
    found: list[str] = []
    for line in lines[:-1]:
        part = ""
        for word in line.split():
            longer = f"{part} {word}".strip()
            if part and not _fits((longer,), _SIZES[3], layout, fonts, families):
                found.append(part)
                longer = word
            part = longer
        found.append(part)
    return (*found, *lines[-1:])
