"""The Data Docs of Great Expectations: its own pages of a validation, as files that open from a shared drive.

Belongs here: having Great Expectations write its pages, in a frame that needs nothing from elsewhere. Not here: what is
asked (`plausibility.py`), a page in plain words (`reports/data_quality.py`), putting files anywhere.

Great Expectations' own frame loads styles, scripts, fonts and a picture from seven places on the internet; from a drive
without a network its pages come out bare. So the sections, tables and words are its own, and the frame, in `pages/`,
takes the place of its templates of the same name: one style sheet in the page, nothing to load, no script. The moment
of a run is left out and nothing is drawn by lot, so that the same results give the same bytes; the manifest of the
delivery names the run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.resources import as_file, files
from typing import Any

INDEX = "index.html"
_NO_MOMENT = "__none__"  # what Great Expectations writes where no run is named


def data_docs(results: Mapping[str, Any], *, site: str, about: str) -> dict[str, bytes]:
    """Pages by file name: an index, and of each suite what was found and what is expected.

    `results`: what Great Expectations said, by the name of the suite. `site`: the school; `about`: of which days.
    Raises RuntimeError when a page would not open without a network.
    """
    pages: dict[str, str] = {}
    with as_file(files(__package__) / "pages") as templates:
        views = _views(str(templates))
        for name, result in results.items():
            pages[_found(name)] = _validation_page(views[0], result, name, about)
            pages[_expected(name)] = _suite_page(views[0], result, name)
        pages[INDEX] = _index_page(views[1], results, site, about)
    for name, text in pages.items():
        _Offline(name).feed(text)
    return {name: text.encode() for name, text in pages.items()}


class _Offline(HTMLParser):
    """Refuses a page that would load or run something: another version of Great Expectations may have other blocks."""

    _NEVER = frozenset({"script", "link", "img", "iframe", "object", "embed", "form", "base"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = [value or "" for name, value in attrs if name in ("href", "style")]
        scripted = [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcset")]
        if tag in self._NEVER or scripted or any(re.search(r"//|:\s*url\(", value) for value in values):
            raise RuntimeError(f"{self._page}: a page of Great Expectations would load something: <{tag}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style" and re.search(r"@import|url\(", data):
            raise RuntimeError(f"{self._page}: the styles of a page would load something")


def _found(suite: str) -> str:
    return f"found-{suite.lower().replace(' ', '-')}.html"


def _expected(suite: str) -> str:
    return f"expected-{suite.lower().replace(' ', '-')}.html"


def _views(templates: str) -> tuple[Any, Any]:
    """The views of pages and of the index, which look for a template here before they take their own."""
    from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
    from jinja2 import ChoiceLoader, FileSystemLoader

    views = DefaultJinjaPageView(), DefaultJinjaIndexPageView()
    for view in views:
        theirs = [view.env.loader] if view.env.loader else []
        view.env.loader = ChoiceLoader([FileSystemLoader(templates), *theirs])
    return views


def _validation_page(view: Any, result: Any, suite: str, about: str) -> str:
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    result.meta = {
        "great_expectations_version": result.meta["great_expectations_version"],
        "run_id": {"run_name": about},
        "batch_spec": {"data_asset_name": about},
    }
    document = ValidationResultsPageRenderer().render(result)
    document.page_title = f"{suite}: {about}"
    text = view.render(document).replace(_NO_MOMENT, "see manifest.json")
    # Its own site keeps suites in folders of their own.
    return re.sub(r'href="(\.\./)+expectations/[^"]*"', f'href="{_expected(suite)}"', text)


def _suite_page(view: Any, result: Any, suite: str) -> str:
    from great_expectations import ExpectationSuite
    from great_expectations.render.renderer import ExpectationSuitePageRenderer

    asked = ExpectationSuite(name=suite, expectations=[r.expectation_config.to_domain_obj() for r in result.results])
    document = ExpectationSuitePageRenderer().render(asked)
    document.page_title = f"{suite}: what is expected"
    return str(view.render(document))


def _index_page(view: Any, results: Mapping[str, Any], site: str, about: str) -> str:
    from great_expectations.render.renderer import SiteIndexPageRenderer

    links = {
        "site_name": site,
        "validations_links": [
            {
                "validation_success": result.success,
                "run_name": about,
                "asset_name": suite,
                "batch_identifier": "",
                "expectation_suite_name": suite,
                "expectation_suite_filepath": _expected(suite),
                "filepath": _found(suite),
            }
            for suite, result in results.items()
        ],
    }
    document = SiteIndexPageRenderer.render(links)
    document.page_title = f"{site}: {about}"
    return str(view.render(document))
