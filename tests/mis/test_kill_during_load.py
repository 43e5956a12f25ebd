"""A load killed at any moment (kill -9) loses nothing: the next run ends where an undisturbed one would have."""

import pytest
from killed_load import kept, killed_at
from school_files import ANN, BEN, CAT, everything, load_all, pupils, register, write

from attendance_pipeline.store.warehouse import Warehouse, open_warehouse


def drop(home):
    inbox = home / "inbox"
    pupils(inbox, "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01")
    register(inbox, "2026-01-05", f"{ANN},2026-01-05,AM,N,,why", f"{BEN},2026-01-05,AM,ZZ", f"{CAT},2026-01-05,AM,/")
    register(inbox, "2026-01-06", f"{ANN},2026-01-05,AM,I,,because", f"{BEN},2026-01-05,PM,\\")
    write(inbox, "register_2026-01-07.csv", "nothing of use", [])
    write(inbox, "interventions_2026-01-06.csv", "UPN,Date,Action", [f"{ANN},2026-01-06,phone_call"])


@pytest.fixture
def undisturbed(tmp_path):
    home = tmp_path / "undisturbed"
    drop(home)
    warehouse = open_warehouse(f"sqlite:///{home}/state/warehouse.db")
    load_all(warehouse, home)
    return everything(warehouse), kept(home)


def test_killed_at_any_moment(warehouse_url, tmp_path, undisturbed):
    home = tmp_path / "home"
    drop(home)
    moment = 1
    while killed_at(warehouse_url, home, moment):
        moment += 5 if moment > 3 else 1
        # What was committed is whole, or there is nothing yet; what is not committed is still in the inbox.
        assert moment < 400
    assert moment > 40  # the load was really cut at many places
    warehouse = Warehouse(warehouse_url)
    load_all(warehouse, home)
    assert (everything(warehouse), kept(home)) == undisturbed
    assert list((home / "inbox").iterdir()) == []
    warehouse.close()


@pytest.mark.parametrize("moment", [5, 20, 35, 45, 55, 60])
def test_killed_once_then_loaded(sqlite_url, tmp_path, undisturbed, moment):
    home = tmp_path / "home"
    drop(home)
    killed_at(sqlite_url, home, moment)
    warehouse = Warehouse(sqlite_url)
    load_all(warehouse, home)
    assert (everything(warehouse), kept(home)) == undisturbed
    assert list((home / "inbox").iterdir()) == []
    warehouse.close()
