"""The Open Inference Protocol (KServe's version 2) over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.serving.inference import open_inference as protocol
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.protos import open_inference as messages
from penstock._src.serving.servables.servable import Signature, TensorInfo
from penstock._src.version import OWN_VERSION

# The field of contents for data of a type.
_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    protocol.BYTES: "bytes_contents",
}


class OpenInferenceService:
    """Answers calls of GRPCInferenceService.

    Args:
      table: where versions are found.
      runner: runs their functions.
      is_ready: returns True if the server answers for all of its models.
    """

    def __init__(self, table: ModelTable, runner: Runner, is_ready: Callable[[], bool]) -> None:
        self._table, self._runner, self._is_ready = table, runner, is_ready

    async def ServerLive(self, request: Any, context: Any) -> Any:
        """Return that the server is running."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:
        """Return True if the server answers requests."""
        return messages.ServerReadyResponse(ready=self._is_ready())

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        """Return the server's name and version."""
        return messages.ServerMetadataResponse(
            name=protocol.NAME, version=OWN_VERSION, extensions=protocol.EXTENSIONS
        )

    async def ModelReady(self, request: Any, context: Any) -> Any:
        """Return True if a model answers requests."""
        try:
            with self._table.using(request.name, _number(request.version)):
                return messages.ModelReadyResponse(ready=True)
        except NotFoundError:
            return messages.ModelReadyResponse(ready=False)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        """Return the inputs and outputs of a model's default function."""
        reply = messages.ModelMetadataResponse(name=request.name)
        with self._table.using(request.name, _number(request.version)) as version:
            signature = version.queue("").signature
            reply.versions.extend(protocol.versions_of(self._table.loaded()[request.name]))
            reply.platform = f"{protocol.NAME}_{version.servable.format.lower()}"
            for field, infos in (
                (reply.inputs, signature.inputs),
                (reply.outputs, signature.outputs),
            ):
                for each in protocol.described(infos):
                    field.add(**each._asdict())
        return reply

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        """Runs a function of a model."""
        has_name = protocol.SIGNATURE in request.parameters
        name = request.parameters[protocol.SIGNATURE].string_param if has_name else ""
        with self._table.using(request.model_name, _number(request.model_version)) as version:
            queue = version.queue(name)
            inputs = _inputs(request, queue.signature)
            outputs = await self._runner.run(queue, inputs, context.time_remaining())
        reply = messages.ModelInferResponse(
            model_name=version.name, model_version=str(version.number), id=request.id
        )
        asked = [output.name for output in request.outputs]
        wanted = protocol.wanted_outputs(asked, queue.signature)
        types = [protocol.type_name(queue.signature.outputs[name].dtype, name) for name in wanted]
        # One reply holds all of its tensors in one way.
        is_raw = bool(request.raw_input_contents) or not _FIELDS.keys() >= set(types)
        for name, datatype in zip(wanted, types, strict=True):
            _add_output(reply, name, outputs[name], datatype, is_raw)
        return reply


def _inputs(request: Any, signature: Signature) -> dict[str, np.ndarray]:
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidArgumentError(
            f"raw_input_contents: expected one for each of the {len(request.inputs)} inputs. Received {len(raw)}."
        )
    arrays: dict[str, np.ndarray] = {}
    for at, tensor in enumerate(request.inputs):
        info = protocol.info_of(signature, tensor.name, tensor.datatype)
        shape = protocol.shape_of(list(tensor.shape), tensor.name)
        if tensor.name in arrays:
            raise InvalidArgumentError(f"The input '{tensor.name}' is given twice.")
        if raw:
            arrays[tensor.name] = protocol.array_of(raw[at], shape, info, tensor.name)
        else:
            arrays[tensor.name] = _of_contents(tensor, shape, info)
    return arrays


def _of_contents(tensor: Any, shape: tuple[int, ...], info: TensorInfo) -> np.ndarray:
    field = _FIELDS.get(tensor.datatype)
    if field is None:
        raise InvalidArgumentError(
            f"The input '{tensor.name}' of type {tensor.datatype} must be in raw_input_contents."
        )
    data = list(getattr(tensor.contents, field))
    if len(data) != np.prod(shape, dtype=object):
        raise InvalidArgumentError(
            f"The input '{tensor.name}' of shape {list(shape)}: expected as many {field}. Received {len(data)}."
        )
    target = info.dtype.np
    if target.kind in "iu" and data:
        limits = np.iinfo(target)
        if min(data) < limits.min or max(data) > limits.max:
            raise InvalidArgumentError(
                f"The input '{tensor.name}' is of type {tensor.datatype}. Received a number out of its range."
            )
    array = np.empty(len(data), target)
    array[:] = data
    return array.reshape(shape)


def _add_output(reply: Any, name: str, array: np.ndarray, datatype: str, is_raw: bool) -> None:
    output = reply.outputs.add(name=name, datatype=datatype, shape=array.shape)
    if is_raw:
        reply.raw_output_contents.append(protocol.bytes_of(array))
    else:
        getattr(output.contents, _FIELDS[datatype]).extend(array.ravel().tolist())


def _number(version: str) -> int | None:
    if not version:
        return None
    if not version.isdecimal() or len(version) > 18:
        raise InvalidArgumentError(f"version: expected a number. Received '{version:.30}'.")
    return int(version)
