"""The rules for modules that are converted: `tensorflow.python.autograph.core.config`."""

from __future__ import annotations

from penstock._src.bridge.python.autograph.core.config_lib import (
    Action,
    Convert,
    DoNotConvert,
    Rule,
)
from penstock._src.function.autograph.convert import MODULES_LEFT_ALONE

CONVERSION_RULES: tuple[Rule, ...] = tuple(
    DoNotConvert(module) for module in sorted(MODULES_LEFT_ALONE)
)
