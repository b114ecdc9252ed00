"""The routes of models: predict, and what is known of a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from penstock._src.serving.batching.request import OnLoop
from penstock._src.serving.inference.running import run_on_loop
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest import predict, values
from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.replies import Reply

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)


class ModelRoutes:
    """Answers requests for models.

    Args:
      table: where versions are found.
      timeout: seconds after which a request is given up; 0 for never.
    """

    def __init__(self, table: ModelTable, timeout: float) -> None:
        self._table, self._timeout = table, timeout
        self._on_loop: OnLoop | None = None

    def routes(self) -> list[Route]:
        """The routes."""
        return [_route("POST", ":predict", self.predict)]

    async def predict(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers :predict."""
        request = values.parse(body)
        with self._using(groups) as version:
            queue = version.queue(predict.signature_name(request))
            inputs, in_rows = predict.inputs_of(request, queue.signature)
            outputs = await run_on_loop(queue, inputs, self._completion(), self._timeout)
        return Reply(200, predict.reply_of(outputs, in_rows))

    def _using(self, groups: Mapping[str, Any]) -> Any:
        number = groups["version"]
        return self._table.using(
            groups["name"], None if number is None else int(number), groups["label"]
        )

    def _completion(self) -> OnLoop:
        if self._on_loop is None:
            self._on_loop = OnLoop(asyncio.get_running_loop())
        return self._on_loop


def _route(method: str, ending: str, handler: Handler) -> Route:
    return Route(method, re.compile(_MODEL + ending), handler)
