"""Errors of the intermediate representation and of lowerings."""

from typing import Any


class NotLowerable(Exception):
    """Raised by `Op.lower` if it cannot express this call in primitives; the op then runs on the host.

    `explain()` shows the message as the reason.
    """


class NeedsValue(NotLowerable):
    """Raised if a lowering needs the value of an input that is known only when the program runs."""

    def __init__(self, node: Any, why: str) -> None:
        super().__init__(why)
        self.node = node


class RefusedArguments(NotLowerable):
    """Raised by the lowering of an operation whose arguments TensorFlow rejects; its host kernel raises TensorFlow's error."""

    PREFIX = "refused arguments: "  # prefix of reasons in reports; a shape rule may be stricter than the kernel


class LoweringDefect(Exception):
    """A lowering failed with an unexpected exception: a defect of Penstock.

    The operation runs on the host. If its kernel accepts the arguments, a RuntimeWarning reports the failure; under PENSTOCK_VERIFY
    this error is raised instead.
    """

    PREFIX = "internal: "


class MalformedFunction(Exception):
    """A Function breaks a rule of the representation: a defect of a lowering or a pass, never of user code."""
