"""The flags of programs."""

from typing import Any

from penstock._src.v1.process import flags as _flags


def __getattr__(name: str) -> Any:
    return getattr(_flags, name)


def __dir__() -> list[str]:
    return dir(_flags)
