"""Small scalar functions as text, to match the patterns of reductions and comparators."""

from collections.abc import Callable, Mapping, Sequence

from penstock._src.stablehlo.module import HloBlock, HloOperation, HloValue

# Longer expressions match no pattern.
_MOST = 2000
UNKNOWN = "?"


def expression(block: HloBlock, names: Sequence[str]) -> list[str]:
    """The results of a block as text, with the given argument names: ["select(GT(a,b),a,b)"]."""
    known = dict(zip(block.arguments, names))
    return [text_of(value, known) for value in block.operations[-1].operands]


def text_of(value: HloValue, names: Mapping[HloValue, str]) -> str:
    """The expression of a value; "?" for values that are neither in `names` nor constant."""
    known = dict(names)

    def visit(operand: HloValue) -> str:
        if operand not in known:
            known[operand] = _text(operand.owner, visit) if operand.owner else UNKNOWN
        return known[operand]

    return visit(value)


def _text(operation: HloOperation, visit: Callable[[HloValue], str]) -> str:
    if operation.name == "constant":
        return str(operation.attribute("value"))
    if operation.regions or len(operation.results) != 1:
        return UNKNOWN
    operands = ",".join(visit(v) for v in operation.operands)
    text = f"{_word(operation)}({operands})"
    return text if len(text) <= _MOST else UNKNOWN


def _word(operation: HloOperation) -> str:
    if operation.name != "compare":
        return operation.name
    word = operation.attribute("comparison_direction")
    return f"{word}!" if operation.attribute("compare_type") == "TOTALORDER" else word
