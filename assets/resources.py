"""The one resource: an open home. Assets reach the settings, the warehouse and the drive through it alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from attendance_pipeline.home import find_home
from attendance_pipeline.steps.site import Site, open_site

if TYPE_CHECKING:
    from collections.abc import Generator


class SiteResource(dg.ConfigurableResource):
    """Opens the home for the length of a run. `home` empty: $ATTENDANCE_HOME, else the current folder."""

    home: str = ""
    _site: Site | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[SiteResource, None, None]:
        try:
            yield self
        finally:
            if self._site is not None:
                self._site.close()
                self._site = None

    @property
    def site(self) -> Site:
        if self._site is None:
            self._site = open_site(find_home(self.home or None))
        return self._site
