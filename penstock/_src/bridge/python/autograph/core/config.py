"""Which modules are converted: `tensorflow.python.autograph.core.config`."""

from __future__ import annotations

from typing import NamedTuple


class DoNotConvert(NamedTuple):
    """A rule: the functions of a module, and of those below it, are not converted."""

    module_prefix: str


class Convert(NamedTuple):
    """A rule: the functions of a module are converted."""

    module_prefix: str


CONVERSION_RULES: tuple[DoNotConvert | Convert, ...] = ()
