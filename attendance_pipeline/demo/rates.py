"""The national rates that the fictitious school is drawn from.

Source: Department for Education, *Pupil attendance in schools*, England, state-funded primary schools, 2025/26 year to
date to 10 July 2026, pupils aged 5 to 15. Contains public sector information licensed under the Open Government Licence
v3.0. `national_rates.csv` holds the few figures needed: percent of possible sessions; persistent absence percent of
pupils.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def national_rates() -> dict[str, float]:
    """Rates as ratios (0 to 1), by measure."""
    text = files(__package__).joinpath("national_rates.csv").read_text(encoding="utf-8")
    return {row["measure"]: float(row["percent"]) / 100 for row in csv.DictReader(text.splitlines())}
