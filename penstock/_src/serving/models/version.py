"""A version of a model that answers requests."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.servables.servable import Servable, Signature
from penstock._src.util.lazy import ByName

if TYPE_CHECKING:
    from penstock._src.language.encoder import TextEncoder
    from penstock._src.serving.generation.engine import Observer
    from penstock._src.serving.generation.generator import Generator

# Imported by name, with all that language models need: for models that generate.
_GENERATOR = ByName("penstock._src.serving.generation.generator", "Generator")


class ModelVersion:
    """A loaded version: its servable, and a queue for each signature.

    Args:
      name: of the model.
      number: of the version.
      servable: what is loaded.
      scheduler: runs the queues.
      parameters: limits of the queues.
      generation: options of a model that generates; None for the usual ones.
      observers: called with each sequence that was generated.
    """

    def __init__(
        self,
        name: str,
        number: int,
        servable: Servable,
        scheduler: Scheduler,
        parameters: BatchingParameters,
        generation: GenerationOptions | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.name, self.number, self.servable = name, number, servable
        self._generator: Generator | None = None
        if servable.generation is not None:
            self._generator = _GENERATOR(servable, generation or GenerationOptions(), observers)
        signatures = servable.signatures
        if any(signature.changes_state for signature in signatures.values()):
            signatures = _one_at_a_time(signatures)
        self.queues: Mapping[str, Queue] = {
            key: scheduler.queue(signature, parameters, name)
            for key, signature in signatures.items()
        }

    def queue(self, signature_name: str) -> Queue:
        """The queue of a signature; "" is the default one.

        Raises:
          InvalidArgumentError: there is no such signature.
          UnimplementedError: requests cannot call it.
        """
        name = signature_name or DEFAULT_SERVING_SIGNATURE_DEF_KEY
        known = self.queues.get(name)
        if known is None:
            raise InvalidArgumentError(
                f'Serving signature key "{name}" not found. {self} has {sorted(self.queues)}.'
            )
        if known.signature.refusal:
            raise UnimplementedError(f'The signature "{name}" {known.signature.refusal}.')
        return known

    @property
    def generator(self) -> Generator:
        """Generator of tokens.

        Raises:
          InvalidArgumentError: the model does not.
        """
        if self._generator is None:
            raise InvalidArgumentError(
                f"{self} does not generate tokens: docs/serving.md describes models that do."
            )
        return self._generator

    @property
    def encoder(self) -> TextEncoder:
        """The encoder of texts into vectors.

        Raises:
          InvalidArgumentError: the model does not.
        """
        if self.servable.encoder is None:
            raise InvalidArgumentError(
                f"{self} makes no vectors of texts: docs/language.md describes models that do."
            )
        return self.servable.encoder

    @property
    def encodes(self) -> bool:
        """True if the model makes vectors of texts."""
        return self.servable.encoder is not None

    @property
    def generates(self) -> bool:
        """True if the model generates tokens."""
        return self._generator is not None

    def close(self) -> None:
        """Refuses further requests, and returns once those that wait have been computed."""
        ended = [queue.close() for queue in self.queues.values()]
        if self._generator is not None:
            ended.append(self._generator.engine.close())
        for emptied in ended:
            emptied.wait()

    def __str__(self) -> str:
        return f"{self.name}, version {self.number},"


def _one_at_a_time(signatures: Mapping[str, Signature]) -> dict[str, Signature]:
    """Return the functions with one lock, so that one runs at a time: some write state that others read. Each may wait for any other, so none is steady."""
    lock = threading.Lock()

    def alone(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run_alone(arrays: Any) -> Any:
            with lock:
                return run(arrays)

        return run_alone

    return {
        key: dataclasses.replace(s, run=alone(s.run), is_steady=False)
        for key, s in signatures.items()
    }
