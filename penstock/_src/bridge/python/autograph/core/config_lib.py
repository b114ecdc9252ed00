"""Rules of conversions: `tensorflow.python.autograph.core.config_lib`."""

from __future__ import annotations

import enum
from types import ModuleType


class Action(enum.Enum):
    """The action of a rule for a module."""

    NONE = 0
    CONVERT = 1
    DO_NOT_CONVERT = 2


class Rule:
    """A rule for a module and those below it.

    Args:
      module_prefix: the module's name.
    """

    action = Action.NONE

    def __init__(self, module_prefix: str) -> None:
        self.module_prefix = module_prefix

    def matches(self, module_name: str) -> bool:
        """True if the rule is about a module."""
        return f"{module_name}.".startswith(f"{self.module_prefix}.")

    def get_action(self, module: ModuleType) -> Action:
        """Returns the rule's action for a module."""
        return self.action if self.matches(module.__name__) else Action.NONE

    def __str__(self) -> str:
        return f"{type(self).__name__} rule for {self.module_prefix}"


class DoNotConvert(Rule):
    """The functions of a module are not converted."""

    action = Action.DO_NOT_CONVERT


class Convert(Rule):
    """The functions of a module are converted."""

    action = Action.CONVERT
