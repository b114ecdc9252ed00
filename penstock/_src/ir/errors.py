"""What the intermediate representation raises."""

from typing import Any


class NotLowerable(Exception):
    """Raised by `Op.lower` when it cannot express this call in primitives; the op then runs on the host.

    The message says why, and is shown by `explain()`.
    """


class NeedsValue(NotLowerable):
    """Raised when a lowering needs the value of an input that is only known when the program runs."""

    def __init__(self, node: Any, why: str) -> None:
        super().__init__(why)
        self.node = node


class RefusedArguments(NotLowerable):
    """Raised while an operation is lowered whose arguments TensorFlow refuses; its kernel raises the error when it runs."""

    PREFIX = "refused arguments: "  # of what a lowering refuses; a shape rule may be stricter than the kernel


class LoweringDefect(Exception):
    """A lowering failed although it did not say that it would: a defect of Penstock's.

    The operation runs on the host. If its kernel takes the arguments, a RuntimeWarning says what failed; under PENSTOCK_VERIFY
    this is raised then.
    """

    PREFIX = "internal: "


class MalformedFunction(Exception):
    """A Function breaks a rule of the representation: a defect of a lowering or a pass, never of user code."""
