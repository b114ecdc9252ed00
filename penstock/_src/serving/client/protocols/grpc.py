"""The gRPC API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core.dtypes import as_dtype
from penstock._src.core.errors import DataLossError
from penstock._src.ops.tensor_proto import from_proto, to_proto
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
from penstock._src.serving.protos import apis, grpc_services
from penstock._src.serving.protos.apis import State

_SIGNATURES = "signature_def"


class GrpcProtocol(Protocol):
    """Requests and replies as messages."""

    def metadata(self, spec: Spec) -> Call:
        """The request for the signatures of a model."""
        request = apis.GetModelMetadataRequest(metadata_field=[_SIGNATURES])
        _set(request.model_spec, spec)
        return _call(grpc_services.PREDICTION_SERVICE, "GetModelMetadata", request)

    def read_metadata(self, answer: Answer) -> ModelInfo:
        """Reads the reply to `metadata`.

        Raises:
          DataLossError: the answer is something else.
        """
        reply = _parsed(answer, apis.GetModelMetadataResponse)
        definitions = apis.SignatureDefMap()
        if not reply.metadata[_SIGNATURES].Unpack(definitions):
            raise DataLossError("The server's answer has no signatures.")
        return ModelInfo(reply.model_spec.version.value, signatures_of(definitions))

    def status(self, spec: Spec) -> Call:
        """The request for the states of a model's versions."""
        request = apis.GetModelStatusRequest()
        _set(request.model_spec, spec)
        return _call(grpc_services.MODEL_SERVICE, "GetModelStatus", request)

    def read_status(self, answer: Answer) -> list[VersionInfo]:
        """Reads the reply to `status`.

        Raises:
          DataLossError: the answer is something else.
        """
        reply = _parsed(answer, apis.GetModelStatusResponse)
        return [
            VersionInfo(each.version, State.Name(each.state), each.status.error_message)
            for each in reply.model_version_status
        ]

    def predict(
        self, spec: Spec, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> Call:
        """The request for outputs; all if `outputs` is empty."""
        request = apis.PredictRequest(output_filter=outputs)
        _set(request.model_spec, spec)
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(to_proto(array, as_dtype(array.dtype)))
        return _call(grpc_services.PREDICTION_SERVICE, "Predict", request)

    def version_of(self, answer: Answer) -> int | None:
        """Returns None: outputs have their own types."""
        return None

    def read_outputs(self, answer: Answer, signature: SignatureInfo) -> dict[str, np.ndarray]:
        """Reads the reply to `predict`.

        Raises:
          DataLossError: the answer is something else.
        """
        reply = _parsed(answer, apis.PredictResponse)
        return {name: np.array(from_proto(proto)) for name, proto in sorted(reply.outputs.items())}


def _call(service: str, method: str, request: Any) -> Call:
    return Call(f"/{service}/{method}", request.SerializeToString())


def _set(message: Any, spec: Spec) -> None:
    message.name = spec.name
    if spec.version is not None:
        message.version.value = spec.version
    elif spec.label is not None:
        message.version_label = spec.label


def _parsed(answer: Answer, reply: Any) -> Any:
    try:
        return reply.FromString(answer.body)
    except DecodeError as error:
        raise DataLossError(
            f"The server's answer is not a valid {reply.DESCRIPTOR.name} message: {error}."
        ) from error
