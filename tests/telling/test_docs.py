"""docs/telling.md has every kind of failure in the words of the table. Renew it: python tests/telling/test_docs.py"""

from __future__ import annotations

import re
from pathlib import Path

from attendance_pipeline.home_settings import (
    MAIL_PASSWORD_VARIABLE,
    PING_URL_VARIABLE,
    WEBHOOK_SECRET_VARIABLE,
    WEBHOOK_URL_VARIABLE,
    HomeSettings,
    TellingSetting,
)
from attendance_pipeline.reports.failures import kinds

PAGE = Path(__file__).parents[2] / "docs" / "telling.md"
PART = re.compile(
    r"(?<=<!-- failures: written by tests/telling/test_docs\.py -->\n).*(?=<!-- end of failures -->)", re.S
)


def written() -> str:
    lines = ["| what failed | what it means | what to do |", "|---|---|---|"]
    lines += [f"| {k.title} | {k.means} | {k.to_do} |" for k in kinds()]
    return "\n".join(lines) + "\n"


def test_every_kind_of_failure_is_in_the_page() -> None:
    found = PART.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == written(), f"renew it: python tests/telling/{Path(__file__).name}"


def test_the_settings_and_variables_of_the_page_are_those_of_the_program() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (*TellingSetting.model_fields, MAIL_PASSWORD_VARIABLE, WEBHOOK_SECRET_VARIABLE, WEBHOOK_URL_VARIABLE,
                 PING_URL_VARIABLE):  # fmt: skip
        assert name in text, name
    assert "telling" in HomeSettings.model_fields


if __name__ == "__main__":
    PAGE.write_text(PART.sub(lambda found: written(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
