"""A home with three schools under each engine: the same pages, the same next day, and what is said when it goes wrong."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dask_cluster import Cluster
from small_home import ANN, BEN, EVERYBODY, SETTINGS_FILE, drop, drop_contacts, drop_pupils, drop_weeks, small_home

from attendance_pipeline.cli import main
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.home import PASSWORD_VARIABLE, open_home
from attendance_pipeline.law.settings_errors import SettingsErrors
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store.derived import read_pages

LAST = dt.date(2026, 6, 26)  # four weeks of the first term
SCHOOLS = ("oakfield", "ashfield", "elmfield")
Pages = dict[tuple[str, str, dt.date], bytes]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three schools with extracts in their inboxes: the second has one absence more, the third another class."""
    home = small_home(tmp_path_factory.mktemp("filled") / "home")
    settings = (home / SETTINGS_FILE).read_text()
    school = settings[settings.index("[[schools]]") :]
    for n, name in enumerate(SCHOOLS[1:], 2):
        settings += school.replace('"oakfield"', f'"{name}"').replace("100001", f"10000{n}")
        (home / "inbox" / name).mkdir()
    (home / SETTINGS_FILE).write_text(settings)
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 Invented Lane", BEN: "2 Invented Lane"})
    drop_weeks(home, {ANN: "06-08 to 06-12 O; 06-15 AM I", BEN: "06-02 to 06-19 N"})
    mine = home / "inbox" / "oakfield"
    for name in SCHOOLS[1:]:
        shutil.copytree(mine, home / "inbox" / name, dirs_exist_ok=True)
    for file in (home / "inbox" / "ashfield").glob("register_2026-06-12.csv"):
        file.write_text(file.read_text().replace(f"{ANN},2026-06-09,AM,O", f"{ANN},2026-06-09,AM,U"))
    for file in (home / "inbox" / "elmfield").glob("pupils_*.csv"):
        file.write_text(file.read_text().replace(",5A,", ",6C,"))
    return home


@pytest.fixture(scope="module")
def loaded(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, taken in."""
    home = shutil.copytree(filled, tmp_path_factory.mktemp("loaded") / "home")
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    return home


def on(home: Path, folder: Path, work: str) -> Path:
    """A copy of a home with another [work]."""
    copied = shutil.copytree(home, folder / "home")
    file = copied / SETTINGS_FILE
    file.write_text(f"[work]\n{work}\n{file.read_text()}")
    return copied


def derived(home: Path) -> Pages:
    """What is due up to LAST, derived and read back; after it nothing is due."""
    with open_site(home) as site:
        days = due_days(site, LAST)
        assert len(days) == 20
        restate(site, days, TABLES)
        assert due_days(site, LAST) == []
    return pages(home)


def pages(home: Path) -> Pages:
    with open_site(home) as site, site.warehouse.read() as conn:
        return {
            (school.id, table, day): page
            for school in site.schools()
            for table in TABLES
            for day, page in read_pages(conn, school.id, table).items()
        }


@pytest.fixture(scope="module")
def expected(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """What a home without [work] derives."""
    found = derived(shutil.copytree(loaded, tmp_path_factory.mktemp("plain") / "home"))
    assert len(found) == 3 * 20 * len(TABLES)
    assert len({found[school, "measures", LAST] for school in SCHOOLS}) > 1
    return found


@pytest.fixture(params=["processes", "dask"], scope="module")
def work(request: pytest.FixtureRequest, cluster: Cluster) -> str:
    if request.param == "processes":
        return 'engine = "processes"\nworkers = 2'
    return f'engine = "dask"\nscheduler = "{cluster.address}"'


@pytest.fixture(scope="module")
def home_and_pages(loaded: Path, work: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pages]:
    """A home on each engine, and what it derived."""
    home = on(loaded, tmp_path_factory.mktemp("derived"), work)
    return home, derived(home)


def test_the_pages_are_the_same_bytes(home_and_pages: tuple[Path, Pages], expected: Pages) -> None:
    assert home_and_pages[1] == expected


def test_a_late_mark_makes_the_same_days_due(home_and_pages: tuple[Path, Pages]) -> None:
    home, _ = home_and_pages
    drop(home, "register_2026-06-30.csv", "UPN,Date,Session,Code,Minutes Late,Comment", [f"{ANN},2026-06-17,PM,M,,"])
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        assert due_days(site, LAST) == [d for d in school_days() if d >= dt.date(2026, 6, 17)]


def school_days() -> list[dt.date]:
    first = dt.date(2026, 6, 1)
    return [d for n in range(26) if (d := first + dt.timedelta(days=n)).weekday() < 5]


def test_days_as_recorded_are_the_same_bytes(loaded: Path, tmp_path: Path, work: str) -> None:
    days = school_days()[3:9]
    found = []
    for n, setting in enumerate((work, 'engine = "in-process"')):
        home = on(loaded, tmp_path / str(n), setting)
        with open_site(home) as site:
            restate(site, days, TABLES, as_recorded=True)
        found.append(pages(home))
    assert found[0] == found[1]
    assert len(found[0]) == 3 * 6 * len(TABLES)


def test_workers_that_read_postgresql_make_the_same_pages(
    filled: Path, expected: Pages, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(postgres_url)
    monkeypatch.setenv(PASSWORD_VARIABLE, "a secret of the environment")  # which this server does not ask for
    with Cluster(tmp_path / "cluster") as two:
        home = on(filled, tmp_path, f'engine = "dask"\nscheduler = "{two.address}"\nworkers_read = true')
        file = home / SETTINGS_FILE
        shown = url._replace(password=None).render_as_string(hide_password=False)
        file.write_text(file.read_text().replace("sqlite:///state/warehouse.db", shown))
        with open_site(home) as site:
            assert site.home.database_url.password == "a secret of the environment"
            assert "secret" not in site.home.database_address
            take_in(site, settle_seconds=0)
        assert derived(home) == expected


def test_nothing_of_a_pupil_is_in_the_logs_of_a_cluster(cluster: Cluster, loaded: Path, tmp_path: Path) -> None:
    derived(on(loaded, tmp_path, f'engine = "dask"\nscheduler = "{cluster.address}"'))
    said = cluster.logs()
    assert "worker" in said
    assert [upn for upn in EVERYBODY if upn in said] == []
    assert "Invented Lane" not in said


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("work", "key", "expected"),
    [
        ('engine = "spark"', "work.engine", "in-process"),
        ('engine = "dask"', "work", "scheduler = "),
        ('engine = "dask"\nscheduler = "tcp://10.0.0.7:8786"', "work", "tls://"),
        ('engine = "dask"\nscheduler = "tcp://user:opensesame@127.0.0.1:8786"', "work", "tls://host:8786"),
        ('engine = "dask"\nscheduler = "127.0.0.1:8786"', "work", "tls://host:8786"),
        ('engine = "dask"\nscheduler = "tcp://127.0.0.1:8786"\nworkers = 2', "work", "workers with"),
        ('engine = "dask"\nscheduler = "tcp://127.0.0.1:8786"\nworkers_read = true', "work.workers_read", "PostgreSQL"),
        ("workers = 2", "work", "workers with"),
        ('engine = "processes"\nworkers = 0', "work.workers", "1"),
        ('scheduler = "tls://dask.example:8786"', "work", 'engine = "dask" alone'),
    ],
)
def test_settings_that_are_refused(filled: Path, tmp_path: Path, work: str, key: str, expected: str) -> None:
    with pytest.raises(SettingsErrors) as refused:
        open_home(on(filled, tmp_path, work))
    (fault,) = refused.value.errors
    assert fault.key == key
    assert expected in str(fault)
    assert "opensesame" not in str(fault)


@pytest.mark.parametrize(
    "work",
    [
        'engine = "in-process"',
        'engine = "processes"',
        'engine = "processes"\nworkers = 4',
        'engine = "dask"\nscheduler = "tcp://localhost:8786"',
        'engine = "dask"\nscheduler = "tls://dask.trust.example:8786"',
    ],
)
def test_settings_that_are_taken(filled: Path, tmp_path: Path, work: str) -> None:
    open_home(on(filled, tmp_path, work))


# ---------------------------------------------------------------- a scheduler that is not there


def test_a_night_without_its_scheduler_says_so_and_the_next_one_heals(
    cluster: Cluster, filled: Path, expected: Pages, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("attendance_pipeline.engine._CONNECT_SECONDS", 1)
    home = on(filled, tmp_path, 'engine = "dask"\nscheduler = "tcp://127.0.0.1:9"')
    night = ["--home", str(home), "nightly", "--date", LAST.isoformat()]
    assert main(["--home", str(home), "check"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().out
    assert main(night) == 3
    said = capsys.readouterr().err
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in said
    assert [upn for upn in EVERYBODY if upn in said] == []

    monkeypatch.setattr("attendance_pipeline.engine._CONNECT_SECONDS", 30)
    file = home / SETTINGS_FILE
    file.write_text(file.read_text().replace("tcp://127.0.0.1:9", cluster.address))
    assert main(["--home", str(home), "check"]) == 0
    assert main(night) in (0, 1)
    assert pages(home) == expected
