"""The default memory budget of models, from a container's limit."""

from __future__ import annotations

from penstock._src.core.values.memory_limit import container_memory

# Memory of a process without a model: 60 MB of private memory in November 2026, and mapped libraries.
_PROCESS_BYTES = 128 << 20
# The share of the remaining memory that models may take; the other quarter is for requests and their results.
_SHARE = 0.75


def default_budget(processes: int) -> int:
    """Return the bytes that the models of each of some processes may take in this container; 0 without a limit.

    A process that exceeds its container's limit is killed, with all requests in progress. A model that does not fit is refused instead.
    """
    limit = container_memory()
    if limit is None:
        return 0
    return max(1, int(_SHARE * (limit // processes - _PROCESS_BYTES)))
