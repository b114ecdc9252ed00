"""The REST API."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from google.protobuf.json_format import ParseDict, ParseError

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError, InvalidArgumentError, OpError
from penstock._src.core.specs import TensorSpec
from penstock._src.proto.schema import POOL
from penstock._src.serving.client.address import Spec
from penstock._src.serving.client.protocols.base import (
    Answer,
    Call,
    ModelInfo,
    Protocol,
    SignatureInfo,
    VersionInfo,
    signatures_of,
)
from penstock._src.serving.protos import apis
from penstock._src.serving.rest.parsing import values
from penstock._src.serving.rest.replies import VERSION_HEADER
from penstock._src.serving.servables.servable import TensorInfo


class RestProtocol(Protocol):
    """Requests and replies as JSON, by columns.

    Args:
      prefix: the part of paths that comes before /v1.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def metadata(self, spec: Spec) -> Call:
        """The request for the signatures of a model."""
        return Call(self._path(spec) + "/metadata")

    def read_metadata(self, answer: Answer) -> ModelInfo:
        """Reads the reply to `metadata`.

        Raises:
          DataLossError: the answer is something else.
        """
        metadata = _parsed(answer)
        try:
            message = apis.SignatureDefMap()
            described = metadata["metadata"]["signature_def"]
            ParseDict(described, message, ignore_unknown_fields=True, descriptor_pool=POOL)
            return ModelInfo(int(metadata["model_spec"]["version"]), signatures_of(message))
        except (LookupError, TypeError, ValueError, ParseError) as error:
            raise _damage(answer) from error

    def status(self, spec: Spec) -> Call:
        """The request for the states of a model's versions."""
        return Call(self._path(spec))

    def read_status(self, answer: Answer) -> list[VersionInfo]:
        """Reads the reply to `status`.

        Raises:
          DataLossError: the answer is something else.
        """
        try:
            return [
                VersionInfo(int(each["version"]), each["state"], each["status"]["error_message"])
                for each in _parsed(answer)["model_version_status"]
            ]
        except (LookupError, TypeError, ValueError) as error:
            raise _damage(answer) from error

    def predict(
        self, spec: Spec, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> Call:
        """The request for outputs; REST returns all of them."""
        columns = {name: _column(array, name) for name, array in inputs.items()}
        request = {"signature_name": signature, "inputs": columns}
        return Call(self._path(spec) + ":predict", values.dumps(request, columns.values()))

    def version_of(self, answer: Answer) -> int | None:
        """Returns the version in the header of Penstock's servers; other servers send none."""
        header = answer.headers.get(VERSION_HEADER.decode())
        return None if header is None else int(header)

    def read_outputs(self, answer: Answer, signature: SignatureInfo) -> dict[str, np.ndarray]:
        """Reads the reply to `predict`.

        Raises:
          DataLossError: the answer is something else.
        """
        reply = _parsed(answer)
        if not isinstance(reply, dict) or "outputs" not in reply:
            raise _damage(answer)
        outputs, specs = reply["outputs"], signature.outputs
        columns = outputs if len(specs) != 1 else {next(iter(specs)): outputs}
        if not isinstance(columns, dict) or columns.keys() != specs.keys():
            raise _damage(answer)
        try:
            return {name: _array(columns[name], specs[name], name) for name in specs}
        except InvalidArgumentError as error:
            raise _damage(answer) from error

    def _path(self, spec: Spec) -> str:
        path = f"{self._prefix}/v1/models/{quote(spec.name, safe='')}"
        if spec.version is not None:
            return f"{path}/versions/{spec.version}"
        return path if spec.label is None else f"{path}/labels/{quote(spec.label, safe='')}"


def _parsed(answer: Answer) -> Any:
    try:
        return values.parse(answer.body)
    except InvalidArgumentError as error:
        raise _damage(answer) from error


def _damage(answer: Answer) -> OpError:
    shown = answer.body[:200].decode(errors="replace")
    return DataLossError(f"The server's answer is not one of TensorFlow Serving's: {shown!r}.")


def _column(array: np.ndarray, name: str) -> Any:
    """Return the JSON value of an input for `values.dumps`."""
    return texts(array.tolist()) if array.dtype == object else values.jsonable(array, name)


def texts(value: Any) -> Any:
    """Returns bytes, or nested lists of them, as strings, and as base64 if they are not UTF-8."""
    if isinstance(value, list):
        return [texts(item) for item in value]
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _array(value: Any, spec: TensorSpec, name: str) -> np.ndarray:
    array = values.array_of(value, TensorInfo(spec.dtype, None), name)
    extents = [-1] if spec.shape.rank is None else spec.shape.as_list()
    if not array.size and len(extents) > array.ndim:  # empty lists don't show inner extents
        wanted = [extent or 0 for extent in extents]
        array = array.reshape(wanted) if not math.prod(wanted) else array
    return array.astype(object) if spec.dtype is dtypes.string else array
