"""Checks of a module that was read: each operation's operands, regions and attributes are what it takes (`facts.py`).

Bytecode can be valid and mean nothing: a number of an entry changed by one names another attribute or value. What
passes here can be translated, but for sizes that do not fit, which is seen where results are compared with their types.
"""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock._src.core.calls.loading_limits import check_calls
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.stablehlo.facts import Facts, table
from penstock._src.stablehlo.module import (
    Dense,
    Enum,
    HloBlock,
    HloModule,
    HloOperation,
    HloValue,
    OtherType,
    Region,
    Scalar,
    SymbolRef,
    TensorType,
    TupleType,
)
from penstock._src.stablehlo.rules import (
    INTEGERS,
    RULES,
    Refused,
    agree,
    expect,
    kind_of,
    numbers_of,
    rank_of,
)

_DEEP = 200  # nested regions


def verify(module: HloModule) -> HloModule:
    """Returns the module.

    Raises:
      InvalidArgumentError: an operation, which is named, is not what it has to be.
    """
    if "main" not in module.functions and len(module.functions) != 1:
        raise InvalidArgumentError(
            f"XlaCallModule: no function of the module is named main: {sorted(module.functions)}."
        )
    for name, function in module.functions.items():
        if function.name != "func":
            raise _error(function, f"it is named {name!r} but is not a function")
        with _named(function):
            _check_function(function)
        _check_block(module, function.regions[0].block, set(), 0)
    _check_calls(module)
    return module


def _error(operation: HloOperation, text: str) -> Exception:
    place = f" at {operation.location}" if operation.location else ""
    return InvalidArgumentError(
        f"XlaCallModule: the StableHLO operation {operation.name!r}{place}: {text}."
    )


@contextmanager
def _named(operation: HloOperation) -> Iterator[None]:
    """Adds the operation to errors raised inside."""
    try:
        yield
    except Refused as error:
        raise _error(operation, str(error)) from None


# -- structure ----------------------------------------------------------------------------------------------------------


def _check_function(function: HloOperation) -> None:
    expect(
        len(function.regions) == 1 and len(function.regions[0].blocks) == 1, "one block is its body"
    )
    block = function.regions[0].block
    expect(bool(block.operations), "its body is empty")
    _check_types("argument", block.arguments)


def _check_block(module: HloModule, block: HloBlock, outer: set[HloValue], depth: int) -> None:
    """Checks operations in order: values are defined before they are used."""
    known = outer | set(block.arguments)
    for place, operation in enumerate(block.operations):
        if depth > _DEEP:
            raise _error(operation, f"it is nested deeper than {_DEEP} regions")
        is_last = place == len(block.operations) - 1
        with _named(operation):
            _check_operation(module, operation, known, is_last)
        for region in operation.regions:
            _check_block(module, region.block, known, depth + 1)
        known.update(operation.results)


def _check_operation(
    module: HloModule, operation: HloOperation, known: set[HloValue], is_last: bool
) -> None:
    for i, value in enumerate(operation.operands):
        expect(value in known, f"operand {i} is not defined before it")
    _check_types("result", operation.results)
    expect((operation.name == "return") == is_last, "a block ends with its only return")
    facts = table().get(operation.name)
    if facts is None:  # the translation says that it does not know it
        for region in operation.regions:
            _check_region(region, None, None)
        return
    _check_operands(operation, facts)
    _check_regions(operation, facts)
    for name, kind in facts.attributes.items():
        _check_attribute(module, operation, name, kind)
    own = RULES.get(operation.name)
    if own is not None:
        own(operation)


def _check_types(what: str, values: Iterable[HloValue]) -> None:
    for i, value in enumerate(values):
        expect(_is_type(value.type), f"{what} {i} has no type, but {value.type!r}")


def _is_type(kind: Any) -> bool:
    if isinstance(kind, TupleType):
        return all(map(_is_type, kind.elements))
    if isinstance(kind, TensorType):
        return isinstance(kind.dtype, (DType, OtherType))
    return isinstance(kind, OtherType)


def _check_operands(operation: HloOperation, facts: Facts) -> None:
    count, want = len(operation.operands), facts.operands
    fits = {
        "n": True,
        "2n": count >= 2 and count % 2 == 0,
        "2n+1": count >= 3 and count % 2 == 1,
    }
    if want in fits:
        fit = fits[want]
    else:
        least = int(want.removesuffix("+"))
        fit = count >= least if want.endswith("+") else count == least
    expect(fit, f"it takes {want} operands. Received {count}")
    if want == "n":
        return
    for i, value in enumerate(operation.operands):
        expect(isinstance(value.type, TensorType), f"operand {i} is {value.type}, not a tensor")
        kind = kind_of(value.type.dtype)
        expect(kind in facts.kinds, f"operand {i} has elements of {value.type.dtype}")
    if facts.shapes:
        shapes = [value.type.shape for value in operation.operands]
        if facts.shapes == "scalars":
            shapes = [shape for shape in shapes if shape]
        for shape in shapes:
            expect(
                agree(shape, shapes[0]),
                f"its operands have different shapes: {list(shapes[0])} and {list(shape)}",
            )


def _check_regions(operation: HloOperation, facts: Facts) -> None:
    want, regions = facts.regions, operation.regions
    if want and want[-1].endswith("+"):
        expect(bool(regions), "it takes regions. Received none")
        want = (want[-1].removesuffix("+"),) * len(regions)
    expect(len(regions) == len(want), f"it takes {len(want)} regions. Received {len(regions)}")
    count = len(operation.operands)
    sizes = {"n": count, "2n": count, "2m": 2 * count, "r": len(operation.results)}
    outputs = dict(sizes)
    if facts.operands == "2n":
        outputs["n"] = count // 2
    elif facts.operands == "2n+1":
        sizes["2n"], outputs["n"] = count - 1, count // 2
    for region, text in zip(regions, want):
        arguments, results = text.split(">")
        _check_region(
            region,
            sizes[arguments] if arguments in sizes else int(arguments),
            outputs[results] if results in outputs else int(results),
        )


def _check_region(region: Region, arguments: int | None, results: int | None) -> None:
    expect(len(region.blocks) == 1, f"a region has one block. Received {len(region.blocks)}")
    block = region.block
    expect(bool(block.operations), "a region is empty")
    _check_types("argument", block.arguments)
    if arguments is not None:
        have = len(block.arguments)
        expect(have == arguments, f"a region takes {have} arguments, not {arguments}")
    if results is not None:
        have = len(block.operations[-1].operands)
        expect(have == results, f"a region returns {have} values, not {results}")


# -- attributes ---------------------------------------------------------------------------------------------------------


def _check_attribute(module: HloModule, operation: HloOperation, name: str, kind: str) -> None:
    value = operation.attributes.get(name)
    if isinstance(value, Scalar) and kind != "number":
        value = value.value
    if kind.endswith("?"):
        kind = kind.removesuffix("?")
        if value is None or numbers_of(value) == []:
            return
    wrong = f"its attribute {name} is {value!r}"
    if kind in _VALUES:
        is_bool = isinstance(value, bool)
        expect(isinstance(value, _VALUES[kind]) and is_bool == (kind == "bool"), wrong)
        if kind == "symbol":
            expect(str(getattr(value, "name", value)) in module.functions, wrong)
    elif kind in ("axis", "axis1", "result_axis"):
        is_number = isinstance(value, INTEGERS) and not isinstance(value, bool)
        expect(is_number and 0 <= int(value or 0) < rank_of(operation, kind), wrong)
    else:
        numbers = numbers_of(value)
        if numbers is None or not _are(numbers, operation, kind):
            raise Refused(wrong)


def _are(numbers: list[int], operation: HloOperation, kind: str) -> bool:
    """True if all integers of a list are of the given kind."""
    if kind in ("axes", "axes1", "result_axes"):
        rank = rank_of(operation, kind)
        return all(0 <= n < rank for n in numbers) and len(set(numbers)) == len(numbers)
    if kind == "each":
        return len(numbers) == rank_of(operation, "axes")
    if kind == "positive":
        return all(n > 0 for n in numbers)
    return kind != "pairs" or len(numbers) % 2 == 0


_VALUES: dict[str, Any] = {
    "int": INTEGERS,
    "bool": bool,
    "text": str,
    "number": (int, float, Scalar),
    "word": Enum,
    "symbol": (SymbolRef, str),
    "array": Dense,
}


# -- calls --------------------------------------------------------------------------------------------------------------


def _check_calls(module: HloModule) -> None:
    """Refuses functions that call themselves, which StableHLO has not, or expand to too much."""
    calls = {}
    for name, function in module.functions.items():
        operations = list(_nested(function))
        called = itertools.chain.from_iterable(map(_callees, operations))
        calls[name] = len(operations), [name for name in called if name in module.functions]
    try:
        check_calls(calls, module.functions)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"XlaCallModule: {error.message}") from None


def _nested(operation: HloOperation) -> Iterable[HloOperation]:
    yield operation
    for region in operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield from _nested(inner)


def _callees(operation: HloOperation) -> list[str]:
    names = [operation.attributes.get(key) for key in ("callee", "decomposition")]
    listed = operation.attributes.get("called_computations")
    names += listed if isinstance(listed, tuple) else ()
    return [
        name.name if isinstance(name, SymbolRef) else str(name)
        for name in names
        if name is not None
    ]
