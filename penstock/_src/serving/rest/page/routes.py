"""The routes of the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.rest.app import Route
from penstock._src.serving.rest.page.state import state_of
from penstock._src.serving.rest.replies import Reply, json_reply
from penstock._src.serving.telemetry.states import States
from penstock._src.serving.telemetry.store import Store

_FILES = Path(__file__).parent / "files"
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
}
_MAIN = "page.html"
# Content security policy: the page loads nothing from elsewhere, runs only its own scripts, and cannot be framed.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache"),
)


class PageRoutes:
    """Answers browsers.

    Args:
      manager: of the models.
      store: the numbers of metrics.
      states: read before they are given.
      metrics_path: where Prometheus finds them; "" for nowhere.
    """

    def __init__(
        self, manager: ModelManager, store: Store, states: States, metrics_path: str
    ) -> None:
        self._manager, self._store, self._states = manager, store, states
        self._metrics_path = metrics_path
        self._files = {path.name: path.read_bytes() for path in sorted(_FILES.iterdir())}

    def routes(self) -> list[Route]:
        """The routes. The files need no key; the state that they show does."""
        names = "|".join(map(re.escape, self._files))
        return [
            Route("GET", re.compile("/"), self.file, needs_key=False),
            Route("GET", re.compile(f"/page/(?P<file>{names})"), self.file, needs_key=False),
            Route("GET", re.compile("/page/state"), self.state),
        ]

    async def file(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers with a file of the page."""
        name = groups.get("file", _MAIN)
        return Reply(200, self._files[name], _TYPES[Path(name).suffix], _HEADERS)

    async def state(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers with the page's data."""
        current = await asyncio.get_running_loop().run_in_executor(None, self._state)
        return json_reply(current)

    def _state(self) -> dict[str, Any]:
        self._states.refresh()
        current = state_of(self._manager, self._store.all())
        return {**current, "metrics_path": self._metrics_path}
