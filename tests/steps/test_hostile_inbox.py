"""What somebody who can write to an inbox may put there: it is refused with a reason, or read; nothing else happens.

Each file lies beside a good one in the inbox of a real home, and is taken in as a night takes it in. The good one loads.
Memory and time are bounded: that is done in a process of its own, with a limit on both. Here files and limits are a
twentieth of their size, and come all in one night; HOSTILE_SCALE=1 (`make fuzz`) tries them whole and one by one.
"""

import io
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from mis_files import workbook
from school_files import ANN, BEN

from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.mis.inbox import clear, kind_and_day, look, shown
from attendance_pipeline.register.export import quarantine_frame, register_frame
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.site import Site

resource = pytest.importorskip("resource", reason="limits on memory, pipes and links of a Unix system")

PUPILS = f"UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date\n{ANN},A,L,2016-01-01,5,5A,2020-09-01\n{BEN},B,L,2016-01-01,5,5A,2020-09-01\n"
HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
GOOD = f"{HEADER}\n{ANN},2026-01-05,AM,/,,\n"
NIGHT = ["2026-01-05 AM /"]
SCALE = int(os.environ.get("HOSTILE_SCALE", "20"))


def make_home(folder, mis="native"):
    path = init_home(folder)
    settings = path / "attendance.toml"
    settings.write_text(settings.read_text().replace('mis = "native"', f'mis = "{mis}"'))
    (path / "inbox" / "example" / "pupils_2025-09-01.csv").write_text(PUPILS)
    with Site(open_home(path)) as site:
        site.warehouse.upgrade()
    return path


def night(home):
    """What a night takes in: its result, the quarantine as `extract: rule`, and Ann's marks."""
    with Site(open_home(home)) as site:
        (result,) = take_in(site, settle_seconds=0)
        with site.warehouse.read() as conn:
            rules = [f"{r.extract}: {r.rule}" for r in quarantine_frame(conn, "example").itertuples()]
            marks = [
                f"{r.date} {r.session} {r.code}" for r in register_frame(conn, "example").itertuples() if r.upn == ANN
            ]
    return result, rules, marks


@pytest.fixture
def home(tmp_path):
    path = make_home(tmp_path / "home")
    (path / "inbox" / "example" / "register_2026-01-05.csv").write_text(GOOD)
    return path


def inbox_of(home):
    return home / "inbox" / "example"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("register_2026-01-06_a\nb.csv", "register_2026-01-06_a<000A>b.csv"),
        ("register_2026-01-06_\x1b[31mred.csv", "register_2026-01-06_<001B>[31mred.csv"),
        ("register_2026-01-06_\u202evsc.exe.csv", "register_2026-01-06_<202E>vsc.exe.csv"),
        ("register_2026-01-06_\u2028.csv", "register_2026-01-06_<2028>.csv"),
        (os.fsdecode(b"register_2026-01-06_\xff\xfe.csv"), "register_2026-01-06_<DCFF><DCFE>.csv"),
        ("register_2026-01-06_" + "x" * 230 + ".csv", "register_2026-01-06_" + "x" * 230 + ".csv"),
        ("cla\u017f\u017fes_2026-01-06.csv", "cla\u017f\u017fes_2026-01-06.csv"),
        ("register_\uff12\uff10\uff12\uff16-01-06.csv", "register_\uff12\uff10\uff12\uff16-01-06.csv"),
        ("register_2026-01-06_..\\..\\state\\x.csv", "register_2026-01-06_..\\..\\state\\x.csv"),
        ("register_2026-01-06_$(touch x);`id`.csv", None),
        ("register_2026-01-06_'; DROP TABLE extract; --.csv", None),
        ("register_2026-01-06_=1+1.csv", None),
        ("register_2026-01-06_<b>&amp;.csv", None),
        ("-rf", "-rf"),
    ],
)  # fmt: skip
def test_a_file_whose_name_means_harm(home, name, seen):
    """It is left where it is, under a name that can be shown; or it is a name like any other, and does nothing."""
    path = inbox_of(home) / name
    path.write_text(f"{HEADER}\n{ANN},2026-01-06,AM,N,,\n")
    before = sorted(p.name for p in home.rglob("*") if "state" not in p.parts and p.parent != inbox_of(home))
    result, rules, marks = night(home)
    assert result.refused == () and marks[:1] == NIGHT
    if seen is None:
        assert (result.not_taken, marks[1:]) == ((), ["2026-01-06 AM N"])
        assert not path.exists()
    else:
        assert [n for n, _ in result.not_taken] == [seen] and path.exists() and marks == NIGHT
        assert len(rules) == 1 and rules[0].startswith(f"{seen}: ")
    assert sorted(p.name for p in home.rglob("*") if "state" not in p.parts and p.parent != inbox_of(home)) == before
    for text in [*result.loaded, *(n for n, _ in result.not_taken), *result.notes]:
        assert text.encode() and shown(text) == text


def test_what_is_no_ordinary_file_is_left_alone(home, tmp_path):
    inbox = inbox_of(home)
    secret = tmp_path / "secret.csv"
    secret.write_text(f"{HEADER}\n{ANN},2026-01-06,AM,N,,\n")
    (inbox / "register_2026-01-06_link.csv").symlink_to(secret)
    (inbox / "register_2026-01-06_dangling.csv").symlink_to(tmp_path / "nothing")
    (inbox / "register_2026-01-06_loop.csv").symlink_to(inbox / "register_2026-01-06_loop.csv")
    (inbox / "register_2026-01-06_folder.csv").symlink_to(tmp_path)
    os.mkfifo(inbox / "register_2026-01-07.csv")
    (inbox / "register_2026-01-08.csv").mkdir()
    (inbox / "register_2026-01-08.csv" / "register_2026-01-08.csv").write_text("x")
    with socket.socket(socket.AF_UNIX) as server:
        place = os.open(inbox, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{place}/register_2026-01-09.csv")
        finally:
            os.close(place)
    expected = {"register_2026-01-07.csv": "not an ordinary file", "register_2026-01-09.csv": "not an ordinary file"}
    expected |= {
        f"register_2026-01-06_{n}.csv": "a symbolic link, not a file" for n in ("link", "dangling", "loop", "folder")
    }
    try:
        os.mknod(inbox / "register_2026-01-10.csv", 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # endless zeros
        expected["register_2026-01-10.csv"] = "not an ordinary file"
    except PermissionError:
        pass  # only the superuser may make one
    result, _, marks = night(home)
    assert dict(result.not_taken) == expected
    assert marks == NIGHT and secret.exists()
    assert (inbox / "register_2026-01-08.csv" / "register_2026-01-08.csv").exists()


def test_a_hard_link_is_the_file_itself_and_only_the_link_is_taken_away(home, tmp_path):
    other = tmp_path / "of somebody else"
    other.write_text("root:x:0:0\n")
    os.link(other, inbox_of(home) / "register_2026-01-06.csv")
    result, rules, marks = night(home)
    assert result.refused == ("register_2026-01-06.csv",) and marks == NIGHT
    assert not [r for r in rules if "root" in r]
    assert other.read_text() == "root:x:0:0\n" and other.stat().st_mode & 0o777 != 0o400


# ---------------------------------------------------------------- files that change


@pytest.mark.parametrize("by", ["a newer file", "a link", "a pipe", "nothing"])
def test_a_file_replaced_while_it_is_loaded_stays_unread(home, tmp_path, by):
    """What was read counts; what is there by then is never deleted, and never waited for."""
    path = inbox_of(home) / "register_2026-01-06.csv"
    path.write_text(f"{HEADER}\n{BEN},2026-01-06,AM,N,,\n")
    found = look(inbox_of(home), settle_seconds=0)
    path.unlink()
    if by == "a newer file":
        path.write_text(f"{HEADER}\n{BEN},2026-01-06,AM,I,,\n")
    elif by == "a link":
        path.symlink_to(tmp_path / "elsewhere")
    elif by == "a pipe":
        os.mkfifo(path)
    assert clear(found.dropped) == ([] if by == "nothing" else ["register_2026-01-06.csv"])
    assert [p.name for p in inbox_of(home).iterdir()] == ([] if by == "nothing" else ["register_2026-01-06.csv"])


def test_a_file_held_elsewhere_that_turns_into_a_pipe_is_not_waited_for(home, monkeypatch):
    from attendance_pipeline.mis import inbox as module

    monkeypatch.setattr(module, "_HELD", 0)
    (inbox_of(home) / "register_2026-01-05.csv").unlink()
    path = inbox_of(home) / "register_2026-01-06.csv"
    path.write_text(GOOD)
    (found,) = (d for d in look(inbox_of(home), settle_seconds=0).dropped if d.kind == "register")
    assert found.data is None and found.content() == GOOD.encode()
    path.unlink()
    os.mkfifo(path)
    begin = time.monotonic()
    with pytest.raises(module.FileReplaced, match=r"register_2026-01-06\.csv"):
        found.content()
    assert time.monotonic() - begin < 5


def test_a_file_that_never_stops_growing_is_not_read_for_ever(home, monkeypatch):
    from attendance_pipeline.mis import inbox as module

    monkeypatch.setattr(module, "LARGEST", 1 << 20)
    path = inbox_of(home) / "register_2026-01-06.csv"
    path.write_text(HEADER)
    done = threading.Event()

    def grow():
        with path.open("ab") as handle:
            while not done.is_set():
                handle.write(b"x" * (65_536 // SCALE))
                handle.flush()
                time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    begin = time.monotonic()
    try:
        found = look(inbox_of(home), settle_seconds=0.1)
    finally:
        done.set()
        writer.join()
    assert time.monotonic() - begin < 20
    assert [d.path.name for d in found.dropped] == ["pupils_2025-09-01.csv", "register_2026-01-05.csv"]
    assert "register_2026-01-06.csv" in (*found.waiting, *(n.name for n in found.not_taken))


# ---------------------------------------------------------------- contents


def zipped(parts, **lies):
    """An archive; `lies`: what its list says of the sizes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    data = bytearray(out.getvalue())
    if "size" in lies:
        at = data.find(b"PK\x01\x02")
        while at >= 0:
            data[at + 24 : at + 28] = lies["size"].to_bytes(4, "little")
            at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {i.filename: archive.read(i) for i in archive.infolist()}


SHEET = "xl/worksheets/sheet1.xml"
BOOK = parts_of(workbook(HEADER.split(","), [ANN, "2026-01-06", "AM", "N", None, None]))
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b"".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">'.encode() for i in range(9)
) + b"]>"  # fmt: skip
ZEROS = bytes(300_000_000 // SCALE)


def with_sheet(content, **more):
    return zipped([*{**BOOK, SHEET: content, **more}.items()])


def sheet(text):
    return BOOK[SHEET].split(b"<sheetData>")[0] + b"<sheetData>" + text + b"</sheetData></worksheet>"


def hostile_workbooks():
    whole = zipped(BOOK.items())
    yield "one part of 300 MB", zipped([*BOOK.items(), ("xl/media/a.bin", ZEROS)]), "unfolds to more than 256 MB"
    yield (
        "many parts",
        zipped([*BOOK.items(), *((f"p{i}", b"") for i in range(20_000 // SCALE))]),
        "more than 10,000 parts",
    )
    yield (
        "sizes that lie",
        zipped([(n, c + b" " * (50_000_000 // SCALE)) for n, c in BOOK.items()][:2], size=10),
        "not an XLSX workbook",
    )
    yield (
        "an archive in an archive",
        zipped([*BOOK.items(), ("a.zip", zipped([("b.zip", zipped([("c", ZEROS)]))]))]),
        None,
    )
    yield (
        "names that lead away",
        zipped([*BOOK.items(), ("../../../../tmp/owned", b"x"), ("/etc/owned", b"x"), ("..\\owned", b"x")]),
        None,
    )
    yield "entities", with_sheet(BOOK[SHEET].replace(b"<worksheet", LAUGHS + b"<worksheet", 1)), "its own document type"
    yield (
        "entities in wide characters",
        with_sheet((LAUGHS + BOOK[SHEET]).decode().encode("utf-16")),
        "its own document type",
    )
    part = BOOK["[Content_Types].xml"].replace(b"sheet1.xml", b"sheet1.dat")
    rels = BOOK["xl/_rels/workbook.xml.rels"].replace(b"sheet1.xml", b"sheet1.dat")
    hidden = {
        **BOOK,
        "[Content_Types].xml": part,
        "xl/_rels/workbook.xml.rels": rels,
        "xl/worksheets/sheet1.dat": LAUGHS + BOOK[SHEET],
    }
    yield "entities in a part of another name", zipped(hidden.items()), "its own document type"
    yield "a row far below", with_sheet(sheet(b'<row r="4000000000"><c r="A4000000000"><v>1</v></c></row>')), None
    yield "a row in no sheet at all", with_sheet(sheet(b'<row r="99999999999999999999"></row>')), None
    yield "a cell far to the right", with_sheet(sheet(b'<row r="1"><c r="XFD1"><v>1</v></c></row>' * 30)), None
    yield "a million tags", with_sheet(sheet(b"<row/>" * (21_000_000 // SCALE))), "more than 20 million tags"
    yield "half of it", whole[: len(whole) // 2], "not an XLSX workbook"
    yield "not an archive", b"PK\x03\x04" + b"x" * 1000, "not an XLSX workbook"
    yield "an old workbook", b"\xd0\xcf\x11\xe0" + bytes(1000), "save it as .xlsx"


def hostile_texts():
    yield "csv", "line breaks alone", b"\n" * (100_000_000 // SCALE), "more than 2 million lines"
    yield "csv", "separators alone", b"," * (100_000_000 // SCALE), "more than 20 million cells"
    yield "csv", "one cell", HEADER.encode() + b"\n" + b"9" * (100_000_000 // SCALE), None
    yield "csv", "an open quotation mark", HEADER.encode() + b'\n"' + b"x,y,z\n" * (2_000_000 // SCALE), None
    yield "csv", "quotation marks alone", HEADER.encode() + b"\n" + b'"' * (30_000_000 // SCALE), None
    yield "csv", "quoted lines", (HEADER + "\n").encode() + b'"\n' * (1_000_000 // SCALE), None
    yield "csv", "NULs", HEADER.encode() + b"\n" + bytes(50_000_000 // SCALE), "holds NUL bytes"
    yield (
        "csv",
        "a million columns",
        b"UPN,Date,Session,Code" + b",x" * (1_000_000 // SCALE) + b"\n",
        "more than 1,000 columns",
    )
    yield "csv", "another encoding", HEADER.encode("utf-32"), "holds NUL bytes"
    yield "csv", "bytes of no encoding", HEADER.encode() + b"\n\x81\x8d\x8f", "not UTF-8 or cp1252 text"
    yield (
        "xml",
        "entities",
        LAUGHS + b"<SuperStarReport><Record><UPN>&j;</UPN></Record></SuperStarReport>",
        "its own document type",
    )
    yield (
        "xml",
        "a file of the machine",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><SuperStarReport>&a;</SuperStarReport>',
        "its own document type",
    )
    yield (
        "xml",
        "a page of the web",
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x"><SuperStarReport/>',
        "its own document type",
    )
    yield "xml", "deep", b"<SuperStarReport>" + b"<Record>" * (5_000_000 // SCALE), None
    yield "xml", "an endless name", b"<SuperStarReport><" + b"a" * (50_000_000 // SCALE), "not well-formed"
    yield "xml", "an endless field", b"<SuperStarReport><Record><UPN>" + b"a" * (50_000_000 // SCALE), None
    yield (
        "xml",
        "records alone",
        b"<SuperStarReport>" + b"<Record/>" * (4_000_000 // SCALE) + b"</SuperStarReport>",
        "more than 3,000,000 records",
    )
    yield (
        "xml",
        "records that are broken",
        b"<SuperStarReport>" + b"<Record>&</Record>" * (3_000_000 // SCALE),
        "not well-formed",
    )
    yield (
        "xml",
        "many attributes",
        b"<SuperStarReport><Record " + b" ".join(b'a%d=""' % i for i in range(200_000 // SCALE)) + b"/>",
        None,
    )
    yield "xml", "NULs", b"<SuperStarReport>" + bytes(20_000_000 // SCALE), "holds NUL bytes"
    yield "xml", "numbers of characters", b"<SuperStarReport><Record><UPN>&#0;</UPN></Record></SuperStarReport>", None


def hostile_json():
    yield "brackets", b"[" * (50_000_000 // SCALE), "nested too deeply"
    yield "objects alone", b"[" + b"{}," * (3_000_000 // SCALE) + b"{}]", "more than"
    yield "one text", b'[{"a":"' + b"x" * (50_000_000 // SCALE) + b'"}]', None
    yield "one number", b'[{"student_id":' + b"9" * (20_000_000 // SCALE) + b"}]", None
    yield "broken objects", b"[" + b'{"a},\n' * (3_000_000 // SCALE), "not JSON"
    yield "open texts", b"[" + b'{"' * (10_000_000 // SCALE), "not JSON"
    yield "a name twice", b"{" + b'"data":[],' * (1_000_000 // SCALE) + b'"data":[]}', "a name stands twice"


# As a process of its own: memory above what the program itself takes, and seconds for a night, have a limit.
_MEMORY, _SECONDS = (1_500_000_000, 120) if SCALE == 1 else (700_000_000, 120)


def small_limits():
    from attendance_pipeline.mis import json_reading, native, reading, sims_xml, xlsx

    for module, names in (
        (native, ("MOST_LINES", "MOST_CELLS")),
        (reading, ("MOST_FAULTS",)),
        (sims_xml, ("MOST_RECORDS", "MOST_PARTS")),
        (json_reading, ("_MOST_OBJECTS", "_LARGEST")),
        (xlsx, ("_LARGEST_UNFOLDED", "_MOST_PARTS", "_MOST_TAGS", "_MOST_CELLS", "_MOST_ROWS")),
    ):
        for name in names:
            setattr(module, name, getattr(module, name) // SCALE)


def run_hostile(folder, which):
    """Every file of a group in a home of its own format; prints what came of each."""
    mis = {"workbooks": "native", "csv": "native", "xml": "sims-xml", "json": "assembly-json"}[which]
    home = make_home(folder, mis)
    night(home)
    small_limits()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    groups = {
        "workbooks": (("xlsx", n, d, r) for n, d, r in hostile_workbooks()),
        "csv": (t for t in hostile_texts() if t[0] == "csv"),
        "xml": (t for t in hostile_texts() if t[0] == "xml"),
        "json": (("json", n, d, r) for n, d, r in hostile_json()),
    }
    inbox_of(home).joinpath("register_2026-01-05.csv").write_text(GOOD)
    expected = {}
    for number, (ending, name, data, rule) in enumerate(groups[which], start=1):
        path = inbox_of(home) / f"register_2026-02-{number:02}.{ending}"
        path.write_bytes(data)
        os.utime(path, (0, 0))
        expected[path] = name, rule
        del data
        if SCALE == 1:
            look_at(home, expected)
            expected = {}
    look_at(home, expected)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB", flush=True)


def look_at(home, expected):
    begin = time.monotonic()
    result, rules, marks = night(home)
    seconds = time.monotonic() - begin
    assert marks[:1] == NIGHT and set(marks) <= {*NIGHT, "2026-01-06 AM N"}, marks
    assert seconds < _SECONDS, seconds
    for path, (name, rule) in expected.items():
        mine = [r.partition(": ")[2] for r in rules if r.startswith(f"{path.name}: ")]
        print(f"{name}: {mine[:1]} {seconds:.1f} s", flush=True)
        assert "MemoryError" not in str(mine), (name, mine[:3])
        assert rule is None or (len(mine) == 1 and rule in mine[0]), (name, mine[:3])
        assert not path.exists(), (name, result)


@pytest.mark.parametrize("which", ["workbooks", "csv", "xml", "json"])
def test_hostile_contents(tmp_path, which):
    paths = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parent)]
    code = f"import sys; sys.path[:0] = {paths}; import test_hostile_inbox as t; from pathlib import Path; t.run_hostile(Path({str(tmp_path / 'home')!r}), {which!r})"
    # What is limited is address space, of which glibc sets 64 MB aside for each thread that asks it for memory: how many
    # of the 16 that keep files do so at a time is a matter of the disk.
    env = {**os.environ, "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False, env=env
    )
    assert done.returncode == 0, done.stderr[-3_000:] + done.stdout
    print(done.stdout)
    assert not Path("/tmp/owned").exists() and not list(tmp_path.rglob("owned"))


def test_formulas_stay_text_and_do_nothing(home, tmp_path):
    """A cell that a spreadsheet would run is a text that is no code; what is written of it later is harmless to open."""
    book = workbook(HEADER.split(","), [ANN, "2026-01-06", "AM", '=HYPERLINK("http://127.0.0.1","N")', None, "=1+1"], [ANN, "2026-01-06", "PM", "N", None, "=cmd|' /C calc'!A0"])  # fmt: skip
    (inbox_of(home) / "register_2026-01-06.xlsx").write_bytes(book)
    (inbox_of(home) / "register_2026-01-07.csv").write_text(
        f'{HEADER}\n{ANN},2026-01-07,AM,"=1+1",,\n{ANN},2026-01-07,PM,N,,\n'
    )
    result, _, marks = night(home)
    assert result.refused == () and marks == [*NIGHT, "2026-01-06 PM N", "2026-01-07 PM N"]


@pytest.mark.parametrize("name", ["register_2026-02-30.csv", "register_0000-00-00.csv", "register_9999-99-99.csv"])
def test_dates_that_are_none(name):
    assert kind_and_day(name) is None
