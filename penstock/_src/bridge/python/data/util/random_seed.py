"""Seeds of datasets."""

from typing import Any

from penstock._src.data.transforms import int64, seed_pair


def get_seed(seed: Any) -> tuple[Any, Any]:
    """Returns the two int64 seeds of a dataset, from its own and the global one."""
    first, second = seed_pair(seed)
    return int64(first), int64(second)
