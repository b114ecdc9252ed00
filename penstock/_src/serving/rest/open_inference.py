"""The Open Inference Protocol (KServe's version 2) over REST, with tensors as JSON or as bytes after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnavailableError
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.inference import open_inference as protocol
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.rest.app import Handler, Route
from penstock._src.serving.rest.parsing import values
from penstock._src.serving.rest.parsing.fields import Fields
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.rest.replies import Reply, json_reply
from penstock._src.serving.servables.servable import Signature
from penstock._src.version import OWN_VERSION

_MODEL = r"/v2/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18}))?"
# Number of leading bytes of a body that are JSON; the bytes of tensors follow.
JSON_LENGTH = b"inference-header-content-length"
_BINARY = b"application/octet-stream"


class OpenInferenceRoutes:
    """Answers requests of the protocol.

    Args:
      manager: of the models.
      runner: runs their functions.
      texts: reads requests.
      is_ready: returns True if the server answers for all of its models.
    """

    def __init__(
        self, manager: ModelManager, runner: Runner, texts: Texts, is_ready: Callable[[], bool]
    ) -> None:
        self._table, self._runner = manager.table, runner
        self._texts, self._is_ready = texts, is_ready

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            _route("GET", "/v2/?", self.server),
            _route("GET", "/v2/health/live", self.live)._replace(needs_key=False),
            _route("GET", "/v2/health/ready", self.ready)._replace(needs_key=False),
            _route("GET", _MODEL, self.metadata),
            _route("GET", _MODEL + "/ready", self.model_ready),
            Route("POST", re.compile(_MODEL + "/infer"), self.infer, (JSON_LENGTH,), api="Predict"),
        ]

    async def server(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Return the server's name and version."""
        about = {"name": protocol.NAME, "version": OWN_VERSION}
        return json_reply({**about, "extensions": list(protocol.EXTENSIONS)})

    async def live(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Return that the server is running."""
        return json_reply({"live": True})

    async def ready(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Return that the server answers requests for all models that it began with.

        Raises:
          UnavailableError: it does not.
        """
        if not self._is_ready():
            raise UnavailableError(
                "The server is starting or ending, or one of its models has not been loaded."
            )
        return json_reply({"ready": True})

    async def model_ready(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Return that a model answers requests."""
        with self._table.using(groups["name"], _number(groups)) as version:
            return json_reply({"name": version.name, "ready": True})

    async def metadata(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Return the inputs and outputs of a model's default function."""
        with self._table.using(groups["name"], _number(groups)) as version:
            signature = version.queue("").signature
            loaded = self._table.loaded().get(version.name, {})
            about = {
                "name": version.name,
                "versions": protocol.versions_of(loaded),
                "platform": f"{protocol.NAME}_{version.servable.format.lower()}",
                "inputs": [each._asdict() for each in protocol.described(signature.inputs)],
                "outputs": [each._asdict() for each in protocol.described(signature.outputs)],
            }
        return json_reply(about)

    async def infer(self, groups: Mapping[str, Any], body: bytes) -> Reply:
        """Runs a function of a model."""
        text, data = _split(body, groups[JSON_LENGTH.decode()])
        with self._table.using(groups["name"], _number(groups)) as version:

            def asked(value: Any) -> tuple[Queue, dict[str, np.ndarray], _Wanted]:
                request = Fields(value)
                parameters = Fields(request.get("parameters") or {})
                queue = version.queue(parameters.text(protocol.SIGNATURE) or "")
                inputs = _inputs(request, queue.signature, data)
                return queue, inputs, _wanted(request, parameters)

            queue, inputs, wanted = await self._texts.read(text, asked, arrays=True)
            outputs = await self._runner.run(queue, inputs)
        return _reply(wanted, version, queue.signature, outputs)


def _split(body: bytes, json_length: bytes | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a body, and the bytes after it."""
    if json_length is None:
        return body, memoryview(b"")
    if not json_length.isdigit() or int(json_length) > len(body):
        raise InvalidArgumentError(
            f"Inference-Header-Content-Length: expected up to {len(body)} bytes. Received {json_length.decode(errors='replace'):.30}."
        )
    length = int(json_length)
    return body[:length], memoryview(body)[length:]


def _inputs(request: Fields, signature: Signature, data: memoryview) -> dict[str, np.ndarray]:
    inputs: dict[str, np.ndarray] = {}
    at = 0
    for each in request.objects("inputs"):
        tensor = Fields(each)
        name = tensor.text("name") or ""
        if name in inputs:
            raise InvalidArgumentError(f"The input '{name}' is given twice.")
        info = protocol.info_of(signature, name, tensor.text("datatype") or "")
        shape = protocol.shape_of(tensor.get("shape"), name)
        size = Fields(tensor.get("parameters") or {}).integer("binary_data_size")
        if size is None:
            inputs[name] = _from_json(tensor.get("data"), shape, info, name)
            continue
        if not 0 <= size <= len(data) - at:
            raise InvalidArgumentError(
                f"The input '{name}': binary_data_size is {size}, and {len(data) - at} bytes are left."
            )
        inputs[name] = protocol.array_of(data[at : at + size], shape, info, name)
        at += size
    if at != len(data):
        raise InvalidArgumentError(f"{len(data) - at} bytes belong to no input.")
    return inputs


def _from_json(value: Any, shape: tuple[int, ...], info: Any, name: str) -> np.ndarray:
    """The array of JSON data, which may be flat or nested."""
    if not isinstance(value, list | np.ndarray):
        raise InvalidArgumentError(f"The input '{name}': expected a list of data.")
    array = values.array_of(value, info, name)
    if array.size != np.prod(shape, dtype=object):
        raise InvalidArgumentError(
            f"The input '{name}' of shape {list(shape)}: expected as many data. Received {array.size}."
        )
    return array.reshape(shape)


class _Wanted(NamedTuple):
    """Output format of a request: {output: as bytes? None if unspecified}, the default for other outputs, the request's identifier."""

    as_bytes: Mapping[str, Any]
    all_bytes: bool
    identifier: str | None


def _wanted(request: Fields, parameters: Fields) -> _Wanted:
    asked = [Fields(each) for each in request.objects("outputs")] if request.get("outputs") else []
    as_bytes = {
        each.text("name") or "": Fields(each.get("parameters") or {}).get("binary_data")
        for each in asked
    }
    return _Wanted(as_bytes, parameters.boolean("binary_data_output"), request.text("id"))


def _reply(
    wanted: _Wanted, version: ModelVersion, signature: Signature, outputs: Mapping[str, np.ndarray]
) -> Reply:
    tensors, arrays, tail = [], [], []
    for name in protocol.wanted_outputs(list(wanted.as_bytes), signature):
        array, dtype = outputs[name], signature.outputs[name].dtype
        tensor: dict[str, Any] = {
            "name": name,
            "datatype": protocol.type_name(dtype, name),
            "shape": list(array.shape),
        }
        wants = wanted.as_bytes.get(name)
        if wanted.all_bytes if wants is None else wants:
            tail.append(protocol.bytes_of(array))
            tensor["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            tensor["data"] = values.jsonable(array.reshape(-1), name)
            arrays.append(tensor["data"])
        tensors.append(tensor)
    reply: dict[str, Any] = {"model_name": version.name, "model_version": str(version.number)}
    if wanted.identifier is not None:
        reply["id"] = wanted.identifier
    text = values.dumps({**reply, "outputs": tensors}, arrays)
    if not tail:
        return Reply(200, text)
    headers = ((JSON_LENGTH, b"%d" % len(text)),)
    return Reply(200, b"".join([text, *tail]), _BINARY, headers)


def _number(groups: Mapping[str, Any]) -> int | None:
    return None if groups["version"] is None else int(groups["version"])


def _route(method: str, pattern: str, handler: Handler) -> Route:
    return Route(method, re.compile(pattern), handler)
