"""Rules of operations that print, and of optionals.

What is printed once for a row is printed once for all of them, stacked.
"""

from penstock._src.api.vectorized.rules import Value, rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.shapes import TensorShape


@rule("Print")
def print_and_pass(step: Step) -> list:
    """Prints the data of all rows."""
    return step.run(step.whole(0), [value.tensor for value in step.values[1:]])


@rule("StringFormat")
def string_format(step: Step) -> list:
    """One text about all rows."""
    return [Value(step.run([value.tensor for value in step.values])[0], False)]


@rule("PrintV2")
def print_text(step: Step) -> list:
    """Prints a text once if it is the same for all rows, and otherwise once per row."""
    return step.run(step.common(0))


@rule("OptionalFromValue")
def optional_from_value(step: Step) -> list:
    """An optional with the rows of each component."""
    return step.run([step.whole(i) for i in range(len(step.values))])


@rule("OptionalHasValue")
def optional_has_value(step: Step) -> list:
    """Return the answer for all rows: all have a value, or none has."""
    return [Value(step.run(step.values[0].tensor)[0], False)]


@rule("OptionalGetValue")
def optional_get_value(step: Step) -> list:
    """The rows of each component."""
    first = step.count if isinstance(step.count, int) else None
    shapes = [TensorShape([first]).concatenate(shape) for shape in step.op.attrs["output_shapes"]]
    return step.run(step.values[0].tensor, output_shapes=shapes)
