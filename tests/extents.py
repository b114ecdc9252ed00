"""Unknown extents of tests that compile by hand."""

from penstock._src.ir.extents import values as extent_values
from penstock._src.ir.extents.dims import Dim

NUMBERS: dict[str, int] = {}


def symbol(name: str, number: int) -> Dim:
    """An unknown extent that is `number` here: from now on within a test, else in all tests, where another name may be taken."""
    values = extent_values.current_or_none()
    if values is not None:
        again = extent_values.Values({**values.symbols, name: number})
        values.symbols, values._numbers = again.symbols, again._numbers
    elif NUMBERS.setdefault(name, number) != number:
        name = f"{name}_{number}"
        NUMBERS[name] = number
    return Dim.symbol(name)
