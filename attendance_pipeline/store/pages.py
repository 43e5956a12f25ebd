"""Pages: named NumPy arrays of one length, packed into bytes and back.

A page of numbers is a short header (names and NumPy types as JSON) and the arrays' own bytes; one that holds text is
an Arrow IPC stream of one record batch. Either is compressed as a whole with zstd (one call a page: compressing each
column by itself made reading five times slower). Equal arrays give equal bytes, so whether two pages say the same is
equality of bytes. What the columns mean belongs to the modules that write them, not here.

Why not Arrow for all: a register is thousands of small pages, and Arrow's schema was two thirds of the bytes of a small
page and more than half of the time to write or read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Arrays = dict[str, npt.NDArray[Any]]

_ARROW, _NUMBERS = b"AP1", b"AP2"
_HEADER = len(_ARROW) + 4
_KINDS_OF_NUMBERS = "biufM"  # as NumPy names them: booleans, integers, fractions, moments
_APART = 8  # each array begins at a multiple of so many bytes
_ZSTD = pa.Codec("zstd", compression_level=3)


class PageError(ValueError):
    """Bytes that are not a page, or arrays that cannot become one."""


def pack_page(columns: Mapping[str, npt.ArrayLike]) -> bytes:
    """Pack arrays of equal length n, in the order given, into bytes.

    Numbers, booleans, datetime64 and str arrays are understood; None in an object array of str is kept as None.
    Raises PageError when the lengths differ or a type has no Arrow form.
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    lengths = [len(a) if a.ndim else 0 for a in arrays.values()]
    if len(set(lengths)) > 1:
        raise PageError(f"columns of one page differ in length: {lengths}")
    if arrays and all(a.dtype.kind in _KINDS_OF_NUMBERS and a.ndim == 1 for a in arrays.values()):
        magic, raw = _NUMBERS, _pack_numbers(arrays)
    else:
        magic, raw = _ARROW, _pack_arrow(arrays)
    return magic + len(raw).to_bytes(4, "little") + _ZSTD.compress(raw, asbytes=True)


def unpack_page(page: bytes | memoryview) -> Arrays:
    """The arrays of a page, read-only where they share the page's memory. Raises PageError for other bytes."""
    view = memoryview(page)
    magic = bytes(view[: len(_ARROW)])
    if len(view) < _HEADER or magic not in (_ARROW, _NUMBERS):
        raise PageError("these bytes are not a page of the warehouse (the mark at their start is missing)")
    size = int.from_bytes(view[len(_ARROW) : _HEADER], "little")
    try:
        raw = _ZSTD.decompress(view[_HEADER:], decompressed_size=size)
        return _unpack_numbers(raw) if magic == _NUMBERS else _unpack_arrow(raw)
    except (OSError, ValueError, TypeError, KeyError, StopIteration) as error:  # ArrowInvalid is a ValueError
        raise PageError(f"a page of the warehouse is damaged: {type(error).__name__}") from error


def _pack_numbers(arrays: Arrays) -> bytes:
    """Length of the header, number of rows, header, arrays."""
    little = {n: a.astype(a.dtype.newbyteorder("<")) if a.dtype.byteorder == ">" else a for n, a in arrays.items()}
    header = _header(tuple((name, a.dtype) for name, a in little.items()))
    rows = len(next(iter(little.values())))
    parts = [len(header).to_bytes(4, "little"), rows.to_bytes(4, "little"), header]
    for a in little.values():
        parts += [a.tobytes(), bytes(-a.nbytes % _APART)]
    return b"".join(parts)


@lru_cache
def _header(columns: tuple[tuple[str, np.dtype[Any]], ...]) -> bytes:
    text = json.dumps([(name, dtype.newbyteorder("<").str) for name, dtype in columns], separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _APART)


def _unpack_numbers(raw: pa.Buffer) -> Arrays:
    view = memoryview(raw)
    size, rows = int.from_bytes(view[:4], "little"), int.from_bytes(view[4:8], "little")
    at = 8 + size
    out: Arrays = {}
    for name, dtype in _columns(bytes(view[8:at])):
        out[name] = np.frombuffer(raw, dtype=dtype, count=rows, offset=at)
        at += out[name].nbytes + -out[name].nbytes % _APART
    return out


@lru_cache
def _columns(header: bytes) -> tuple[tuple[str, np.dtype[Any]], ...]:
    return tuple((name, np.dtype(dtype)) for name, dtype in json.loads(header))


def _pack_arrow(arrays: Arrays) -> pa.Buffer:
    batch = pa.record_batch([_to_arrow(name, a) for name, a in arrays.items()], names=list(arrays))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _unpack_arrow(raw: pa.Buffer) -> Arrays:
    with pa.ipc.open_stream(raw) as reader:
        batch = reader.read_next_batch()
    return {name: _to_numpy(batch.column(i)) for i, name in enumerate(batch.schema.names)}


def _to_arrow(name: str, array: npt.NDArray[Any]) -> pa.Array:
    if array.ndim != 1:
        raise PageError(f"column {name!r} has {array.ndim} dimensions; a page holds columns of one dimension")
    try:
        if array.dtype.kind in "OUT":
            return pa.array(array.tolist(), type=pa.string())
        return pa.array(np.ascontiguousarray(array))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise PageError(f"column {name!r} of type {array.dtype} cannot be kept in a page") from error


def _to_numpy(column: pa.Array) -> npt.NDArray[Any]:
    copied = column.null_count or pa.types.is_string(column.type) or pa.types.is_boolean(column.type)
    return column.to_numpy(zero_copy_only=not copied)
