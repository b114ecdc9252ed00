"""Calls of a protocol, and the meaning of their answers."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.dtypes import as_dtype
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.serving.client.address import Spec
from penstock._src.util.export import export


class Call(NamedTuple):
    """A request.

    Args:
      target: a path of REST, or a method of gRPC.
      body: the message; None for a GET of REST.
    """

    target: str
    body: bytes | None = None


class Answer(NamedTuple):
    """A reply: the message, and the headers of REST in small letters."""

    body: bytes
    headers: Mapping[str, str] = {}


@export("serving.SignatureInfo", v1=[])
@dataclasses.dataclass(frozen=True)
class SignatureInfo:
    """A function of a model that is served.

    Args:
      method_name: what kind of function it is, such as "tensorflow/serving/predict".
      inputs: `tf.TensorSpec`s by name.
      outputs: `tf.TensorSpec`s by name.

    >>> x = tf.TensorSpec([None], tf.float32)
    >>> tf.serving.SignatureInfo("tensorflow/serving/predict", {"x": x}, {"y": x}).inputs["x"].dtype
    tf.float32
    """

    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


class ModelInfo(NamedTuple):
    """A server's description of a model version: its number, and its signatures by name."""

    version: int
    signatures: Mapping[str, SignatureInfo]

    def signature(self, name: str) -> SignatureInfo:
        """Returns a signature.

        Raises:
          InvalidArgumentError: there is none of this name.
        """
        known = self.signatures.get(name)
        if known is None:
            raise InvalidArgumentError(
                f'Serving signature key "{name}" not found. The model has {sorted(self.signatures)}.'
            )
        return known


@export("serving.VersionInfo", v1=[])
@dataclasses.dataclass(frozen=True)
class VersionInfo:
    """The state of a version of a model.

    Args:
      version: its number.
      state: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END".
      error: why it does not answer; empty if nothing is wrong.

    >>> tf.serving.VersionInfo(2, "AVAILABLE").error
    ''
    """

    version: int
    state: str
    error: str = ""


class Protocol(abc.ABC):
    """Encoding of requests and decoding of replies."""

    @abc.abstractmethod
    def metadata(self, spec: Spec) -> Call:
        """The request for the signatures of a model."""

    @abc.abstractmethod
    def read_metadata(self, answer: Answer) -> ModelInfo:
        """Reads the reply to `metadata`."""

    @abc.abstractmethod
    def status(self, spec: Spec) -> Call:
        """The request for the states of a model's versions."""

    @abc.abstractmethod
    def read_status(self, answer: Answer) -> list[VersionInfo]:
        """Reads the reply to `status`, in the server's order."""

    @abc.abstractmethod
    def predict(
        self, spec: Spec, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> Call:
        """The request for outputs; all if `outputs` is empty."""

    @abc.abstractmethod
    def version_of(self, answer: Answer) -> int | None:
        """Returns the number of the version that computed outputs; None if the reply does not contain it."""

    @abc.abstractmethod
    def read_outputs(self, answer: Answer, signature: SignatureInfo) -> dict[str, np.ndarray]:
        """Reads the reply to `predict`, from the version that computed it."""


def signatures_of(message: Any) -> dict[str, SignatureInfo]:
    """Returns the signatures in a `SignatureDefMap`."""
    return {
        name: SignatureInfo(
            definition.method_name, _specs(definition.inputs), _specs(definition.outputs)
        )
        for name, definition in message.signature_def.items()
    }


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(_shape(info.tensor_shape), as_dtype(info.dtype), name)
        for name, info in sorted(infos.items())
        if info.dtype  # others are composite
    }


def _shape(message: Any) -> TensorShape:
    if message.unknown_rank:
        return TensorShape(None)
    return TensorShape([None if dim.size < 0 else dim.size for dim in message.dim])
