"""The calls of each method of a client, one after the other, and the conversion of answers to results.

Methods are generators: they yield calls and are sent answers, or thrown the errors of calls. Clients of threads and of event loops drive them alike.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.client import inputs
from penstock._src.serving.client.address import Address, Spec
from penstock._src.serving.client.protocols.base import (
    Answer,
    Call,
    ModelInfo,
    Protocol,
    SignatureInfo,
    VersionInfo,
)

T = TypeVar("T")
Steps = Generator[Call, Answer, T]

# Seconds for which signatures are believed that answers do not confirm by the number of their version.
_FRESH_SECONDS = 10.0


class _Known(NamedTuple):
    """A server's description of a model, and the time of receipt."""

    info: ModelInfo
    time: float


class Dialog:
    """The questions of one client.

    Args:
      address: of the server, with the model that is meant if a method names none.
      protocol: that it speaks.
    """

    def __init__(self, address: Address, protocol: Protocol) -> None:
        self._address, self._protocol = address, protocol
        self._known: dict[Spec, _Known] = {}

    def spec(self, model: str | None, version: int | None, label: str | None) -> Spec:
        """Returns the model of a method call: from its arguments, or else from the client's URL.

        Raises:
          InvalidArgumentError: nothing names a model, or both a version and a label are given.
        """
        default = self._address.spec
        if version is not None and label is not None:
            raise InvalidArgumentError(
                f"Expected a version or a label. Received version={version}, label='{label}'."
            )
        if model is None:
            if default is None:
                raise InvalidArgumentError(
                    "Expected `model`, the name of a model, as the client's URL names none."
                )
            if version is None and label is None:
                return default
            model = default.name
        return Spec(model, version, label)

    def signatures(self, spec: Spec) -> Steps[dict[str, SignatureInfo]]:
        """Return the signatures of a model."""
        known = yield from self._info(spec, 0.0)
        return dict(known.signatures)

    def status(self, spec: Spec) -> Steps[list[VersionInfo]]:
        """Return the states of a model's versions."""
        answer = yield self._protocol.status(spec)
        return self._protocol.read_status(answer)

    def predict(
        self, spec: Spec, values: Any, signature: str, outputs: Sequence[str]
    ) -> Steps[dict[str, np.ndarray]]:
        """Runs a signature. Cached metadata may be out of date: another version may answer since."""
        signature = signature or DEFAULT_SERVING_SIGNATURE_DEF_KEY
        known = yield from self._info(spec, _FRESH_SECONDS)
        try:
            return (yield from self._predict(spec, known, values, signature, outputs))
        except InvalidArgumentError:
            latest = yield from self._info(spec, 0.0)
            if latest == known:
                raise
        return (yield from self._predict(spec, latest, values, signature, outputs))

    def _predict(
        self, spec: Spec, known: ModelInfo, values: Any, signature: str, outputs: Sequence[str]
    ) -> Steps[dict[str, np.ndarray]]:
        described = known.signature(signature)
        unknown = sorted(name for name in outputs if name not in described.outputs)
        if unknown:
            raise InvalidArgumentError(
                f"{signature} gives {sorted(described.outputs)}. Received outputs={unknown}."
            )
        arrays = inputs.arrays(values, described.inputs, signature)
        answer = yield self._protocol.predict(spec, signature, arrays, outputs)
        version = self._protocol.version_of(answer)
        if version is not None and version != known.version:
            self._known.pop(spec, None)
            known = yield from self._info(Spec(spec.name, version), _FRESH_SECONDS)
            described = known.signature(signature)
        elif version is not None:
            self._known[spec] = _Known(known, time.monotonic())
        arrays_by_name = self._protocol.read_outputs(answer, described)
        return {name: arrays_by_name[name] for name in outputs or arrays_by_name}

    def _info(self, spec: Spec, seconds: float) -> Steps[ModelInfo]:
        """Return the server's description of a model, cached for `seconds`."""
        known = self._known.get(spec)
        if known is not None and time.monotonic() - known.time < seconds:
            return known.info
        info = self._protocol.read_metadata((yield self._protocol.metadata(spec)))
        self._known[spec] = _Known(info, time.monotonic())
        return info
