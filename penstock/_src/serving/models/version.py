"""A version of a model that answers requests."""

from __future__ import annotations

from collections.abc import Mapping

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.servables.servable import Servable


class ModelVersion:
    """A loaded version: its servable, and a queue for each signature.

    Args:
      name: of the model.
      number: of the version.
      servable: what is loaded.
      scheduler: runs the queues.
      parameters: limits of the queues.
    """

    def __init__(
        self,
        name: str,
        number: int,
        servable: Servable,
        scheduler: Scheduler,
        parameters: BatchingParameters,
    ) -> None:
        self.name, self.number, self.servable = name, number, servable
        self.queues: Mapping[str, Queue] = {
            key: scheduler.queue(signature, parameters)
            for key, signature in servable.signatures.items()
        }

    def queue(self, signature_name: str) -> Queue:
        """The queue of a signature; "" is the default one.

        Raises:
          InvalidArgumentError: there is no such signature.
          UnimplementedError: requests cannot call it.
        """
        name = signature_name or DEFAULT_SERVING_SIGNATURE_DEF_KEY
        found = self.queues.get(name)
        if found is None:
            raise InvalidArgumentError(
                f'Serving signature key "{name}" not found. {self} has {sorted(self.queues)}.'
            )
        if found.signature.refusal:
            raise UnimplementedError(f'The signature "{name}" {found.signature.refusal}.')
        return found

    def close(self) -> None:
        """Refuses further requests, and returns once those that wait have been computed."""
        for emptied in [queue.close() for queue in self.queues.values()]:
            emptied.wait()

    def __str__(self) -> str:
        return f"{self.name}, version {self.number},"
