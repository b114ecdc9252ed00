"""The routes of models: predict, classify, regress, and metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict

from penstock._src.saving.saved_model.constants import CLASSIFY_METHOD_NAME, REGRESS_METHOD_NAME
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.inference import examples, messages
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.rest import predict
from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.examples import examples_of
from penstock._src.serving.rest.openai.listing import Listing
from penstock._src.serving.rest.parsing import values
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.rest.replies import VERSION_HEADER, Reply, json_reply

# The path of a model, or of one of its versions.
MODEL = (
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)


class ModelRoutes:
    """Answers requests for models.

    Args:
      manager: of the models.
      runner: runs their functions.
      texts: reads requests.
      listing: describes models to OpenAI's clients.
    """

    def __init__(
        self, manager: ModelManager, runner: Runner, texts: Texts, listing: Listing
    ) -> None:
        self._manager, self._table, self._runner = manager, manager.table, runner
        self._texts, self._listing = texts, listing

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            _route("POST", ":predict", self.predict, "Predict"),
            _route("POST", ":classify", self.classify, "Classify"),
            _route("POST", ":regress", self.regress, "Regress"),
            _route("GET", "/metadata", self.metadata),
            _route("GET", "", self.status),
        ]

    async def predict(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers :predict."""
        with self._using(groups) as version:
            asked = await self._texts.read(body, _asked(version), arrays=True)
            queue, inputs, in_rows = asked
            outputs = await self._runner.run(queue, inputs)
        body = predict.reply_of(outputs, in_rows)
        return Reply(200, body, headers=((VERSION_HEADER, b"%d" % version.number),))

    async def classify(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers :classify."""
        outputs, count = await self._of_examples(groups, body, CLASSIFY_METHOD_NAME)
        classes_of_examples = examples.classifications(outputs, count)
        return _result(
            classes_of_examples, [score for classes in classes_of_examples for _, score in classes]
        )

    async def regress(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers :regress."""
        outputs, count = await self._of_examples(groups, body, REGRESS_METHOD_NAME)
        regressions = examples.regressions(outputs, count)
        return _result(regressions, regressions)

    async def metadata(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers /metadata: the signatures of a version."""
        with self._using(groups) as version:
            described = _as_json(messages.signatures_of(version))
        spec = {"name": version.name, "signature_name": "", "version": str(version.number)}
        return json_reply({"model_spec": spec, "metadata": {messages.SIGNATURES: described}})

    async def status(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Answers for the model itself: the states of its versions, and what OpenAI's clients find at this path."""
        number, name = number_of(groups), groups["name"]
        is_whole = number is None and groups["label"] is None
        if groups["label"] is not None:
            with self._using(groups) as version:
                number = version.number
        states = _as_json(messages.status_of(self._manager.status(name, number)))
        return json_reply({**(self._listing.entry(name) if is_whole else {}), **states})

    async def _of_examples(
        self, groups: Mapping[str, Any], body: bytes, method_name: str
    ) -> tuple[dict[str, Any], int]:
        """The outputs for the examples of a request, and the number of examples."""
        with self._using(groups) as version:
            queue, listed = await self._texts.read(body, _examples(version))
            inputs = examples.argument(queue.signature, method_name, listed)
            outputs = await self._runner.run(queue, inputs)
        return outputs, len(listed)

    def _using(self, groups: Mapping[str, Any]) -> AbstractContextManager[ModelVersion]:
        return self._table.using(groups["name"], number_of(groups), groups["label"])


def _asked(version: ModelVersion) -> Callable[[Any], tuple[Queue, dict[str, np.ndarray], bool]]:
    """Return a function that finds a request's queue and inputs; and True if the inputs came in rows."""

    def asked(request: Any) -> tuple[Queue, dict[str, np.ndarray], bool]:
        queue = version.queue(predict.signature_name(request))
        return queue, *predict.inputs_of(request, queue.signature)

    return asked


def _examples(version: ModelVersion) -> Callable[[Any], tuple[Queue, list[bytes]]]:
    """Return a function that finds a request's queue and its examples."""

    def asked(request: Any) -> tuple[Queue, list[bytes]]:
        return version.queue(predict.signature_name(request)), examples_of(request)

    return asked


def number_of(groups: Mapping[str, Any]) -> int | None:
    """The version that a path names; None for the latest."""
    return None if groups["version"] is None else int(groups["version"])


def _result(results: list[Any], numbers: Iterable[float]) -> Reply:
    return Reply(200, values.dumps({"result": results}, numbers))


def _as_json(message: Any) -> Any:
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _route(method: str, ending: str, handler: Handler, api: str = "") -> Route:
    return Route(method, re.compile(MODEL + ending), handler, api=api)
