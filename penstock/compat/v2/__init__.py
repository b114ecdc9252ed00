"""tf.compat.v2: the public API itself, and `enable_v2_behavior`."""

from typing import Any

import penstock as _penstock
from penstock._src.util.lazy import starred as _starred


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _starred(__dir__())
    if name == "enable_v2_behavior":
        from penstock.compat import v1

        return v1.enable_v2_behavior
    return getattr(_penstock, name)


def __dir__() -> list[str]:
    return sorted({*dir(_penstock), "enable_v2_behavior"})
