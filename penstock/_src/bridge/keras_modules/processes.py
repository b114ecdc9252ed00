"""The distribution of keras.distribution over processes, if there is one."""

from __future__ import annotations

import sys
from typing import Any

from penstock._src.cluster.environments.table import described


def distribution_of_processes() -> Any:
    """Keras's current distribution, if it is over processes."""
    if described().size == 1:
        return None
    library = sys.modules.get("keras.src.distribution.distribution_lib")
    return None if library is None else library.distribution()
