"""A fuzzer that follows the branches of the readers (atheris, libFuzzer): `make fuzz`, or

    python tests/fuzz/readers.py [-max_total_time=120] [options of libFuzzer]

The first byte of an input says which valid file's format, kind and name it is read by, and (from 128 on) whether its cells
are looked at too, which takes most of the time; the rest is the file. It starts from the valid files of
`tests/support/corrupted.py` and checks what is checked there. A finding is a file `crash-...` in the working folder:
`python tests/fuzz/readers.py crash-...` shows it again, and it is kept as a row of `FOUND` in
`tests/mis/test_corrupted_files.py`.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

with atheris.instrument_imports(include=["attendance_pipeline.mis"]):
    from corrupted import survives, valid_files

FILES = [f for f in valid_files() if f.ending != "xlsx"]  # a workbook is compressed: see the corruptions of its parts
MEMORY = 4 << 30  # bytes of address space, most of it libraries


def one_input(data: bytes) -> None:
    if len(data) > 1:
        survives(FILES[data[0] % 128 % len(FILES)], data[1:], understood=data[0] >= 128)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    replay = [a for a in sys.argv[1:] if not a.startswith("-")]
    with tempfile.TemporaryDirectory() as corpus:
        for number, file in enumerate(FILES):
            (Path(corpus) / f"{number}").write_bytes(bytes([number]) + file.data)
        options = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", *sys.argv[1:], *([] if replay else [corpus])]
        atheris.Setup([sys.argv[0], *options], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
