"""`tensorflow.python.eager.executor`: executors of eager ops. All run ops immediately."""

from penstock._src.bridge.eager_context import Executor as EagerExecutor


class Executor(EagerExecutor):
    """An executor that only remembers whether it is asynchronous."""

    def __init__(self, handle: bool = False) -> None:
        self._asynchronous = handle

    def is_async(self) -> bool:
        """True if it was created as asynchronous."""
        return self._asynchronous

    def handle(self) -> "Executor":
        """Returns itself."""
        return self


def new_executor(
    enable_async: bool, enable_streaming_enqueue: bool = True, in_flight_nodes_limit: int = 0
) -> Executor:
    """Returns an executor."""
    del enable_streaming_enqueue, in_flight_nodes_limit
    return Executor(enable_async)
