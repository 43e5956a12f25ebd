"""The one resource: an open home. Assets reach the settings, the warehouse and the drive through it alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from attendance_pipeline.home import find_home, open_home
from attendance_pipeline.one_at_a_time import alone
from attendance_pipeline.steps.site import Site, open_site

if TYPE_CHECKING:
    from collections.abc import Generator


class SiteResource(dg.ConfigurableResource):
    """Opens the home for the length of a run, in which no other run of it writes.

    `home` empty: $ATTENDANCE_HOME, else the current folder.
    """

    home: str = ""
    _site: Site | None = PrivateAttr(default=None)
    _run: str = PrivateAttr(default="")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[SiteResource, None, None]:
        self._run = context.run_id or ""
        what = context.dagster_run.job_name if context.dagster_run is not None else "a run"
        try:
            with alone(open_home(find_home(self.home or None)), what, say=context.log.info if context.log else print):
                yield self
        finally:
            if self._site is not None:
                self._site.close()
                self._site = None

    @property
    def site(self) -> Site:
        if self._site is None:
            self._site = open_site(find_home(self.home or None))
            self._site.run = self._run
        return self._site
