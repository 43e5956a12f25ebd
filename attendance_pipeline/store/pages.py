"""Pages: named NumPy arrays of one length, packed into bytes and back.

A page is an Arrow IPC stream of one record batch, compressed as a whole with zstd (one call a page: compressing each
column by itself made reading five times slower). Equal arrays give equal bytes, so whether two pages say the same is
equality of bytes. What the columns mean belongs to the modules that write them, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Arrays = dict[str, npt.NDArray[Any]]

_MAGIC = b"AP1"
_HEADER = len(_MAGIC) + 4
_ZSTD = pa.Codec("zstd", compression_level=3)


class PageError(ValueError):
    """Bytes that are not a page, or arrays that cannot become one."""


def pack_page(columns: Mapping[str, npt.ArrayLike]) -> bytes:
    """Pack arrays of equal length n, in the order given, into bytes.

    Numbers, booleans, datetime64 and str arrays are understood; None in an object array of str is kept as None.
    Raises PageError when the lengths differ or a type has no Arrow form.
    """
    arrays = [_to_arrow(name, np.asarray(column)) for name, column in columns.items()]
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise PageError(f"columns of one page differ in length: {lengths}")
    batch = pa.record_batch(arrays, names=list(columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    raw = sink.getvalue()
    return _MAGIC + len(raw).to_bytes(4, "little") + _ZSTD.compress(raw, asbytes=True)


def unpack_page(page: bytes | memoryview) -> Arrays:
    """The arrays of a page, read-only where they share the page's memory. Raises PageError for other bytes."""
    view = memoryview(page)
    if len(view) < _HEADER or view[: len(_MAGIC)] != _MAGIC:
        raise PageError("these bytes are not a page of the warehouse (the mark at their start is missing)")
    size = int.from_bytes(view[len(_MAGIC) : _HEADER], "little")
    try:
        raw = _ZSTD.decompress(view[_HEADER:], decompressed_size=size)
        with pa.ipc.open_stream(raw) as reader:
            batch = reader.read_next_batch()
    except (OSError, pa.ArrowInvalid, StopIteration) as error:
        raise PageError(f"a page of the warehouse is damaged: {type(error).__name__}") from error
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
