"""A case as data."""

from dataclasses import dataclass, field
from math import prod

Step = tuple  # its name, and numbers or words


@dataclass(frozen=True)
class Case:
    """An operation, its operands, and what is done with its result.

    An operand is a string of letters, an axis each. `views` has for each operand what its array is seen through, the
    last step first; `tail` is what is done with the result, in order. What a step of the tail keeps is a result
    beside the last one.
    """

    core: Step
    operands: tuple[str, ...]
    extents: dict[str, int]
    views: tuple[tuple[Step, ...], ...]
    tail: tuple[Step, ...]
    dtype: str
    symbolic: str = ""  # the letter whose extent is known only when the program runs
    options: dict[str, object] = field(default_factory=dict)

    @property
    def work(self) -> int:
        """Elements of the space of all letters."""
        return prod(self.extents.values())
