"""Base of dispatchers and workers."""

from __future__ import annotations

import threading

from penstock._src.core.calls.consent import allow, is_allowed
from penstock._src.core.errors import NotFoundError, PermissionDeniedError
from penstock._src.data.graph_defs import dataset_of_graph
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.util.flags import flags

# {token: pipeline} of datasets that this process has registered: its own workers need not rebuild them.
LOCAL: dict[str, Pipeline] = {}


class Server:
    """Base of the servers, which run until they are stopped."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def join(self) -> None:
        """Waits until the server is stopped."""
        self._ended.wait()


def pipeline_of(graph: bytes, token: str) -> Pipeline:
    """Return the pipeline of a registered dataset.

    Raises:
      NotFoundError: it calls Python, and is another process's.
    """
    if token in LOCAL:
        return LOCAL[token]
    if not graph:
        raise NotFoundError(
            "tf.data service: the dataset calls Python, or reads state of the process that registered it, so only "
            "workers in that process can produce it."
        )
    with allow(*sorted(flags.allow or ())):
        return dataset_of_graph(graph)


def check_may_write(path: str, token: str) -> None:
    """Raise PermissionDeniedError if another process makes this one write files without permission."""
    if token not in LOCAL and not is_allowed("write_files"):
        raise PermissionDeniedError(
            f"tf.data service: another process asks to write files to {path}. If you trust it, set PENSTOCK_ALLOW=write_files in "
            "the environment of the dispatcher and of the workers."
        )
