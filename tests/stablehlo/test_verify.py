"""Modules whose bytecode is valid and whose operations are not what they have to be."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.xla.translation.translate import Translation, load_handlers
from penstock._src.stablehlo.facts import table
from penstock._src.stablehlo.module import (
    Dense,
    HloBlock,
    HloModule,
    HloOperation,
    HloValue,
    Region,
    SymbolRef,
    TensorType,
)
from penstock._src.stablehlo.verify import verify

ONE_PARTICIPANT = "all_gather all_reduce all_to_all collective_broadcast reduce_scatter".split()


def tensor(*shape, dtype=dtypes.float32):
    return TensorType(shape, dtype)


def integers(*numbers):
    array = np.array(numbers, np.int64)
    return Dense(tensor(len(numbers), dtype=dtypes.int64), array)


def module(name, arguments, result, attributes=None, regions=(), uses=None):
    """A module of one operation on the arguments of its function."""
    values = [HloValue(t) for t in arguments]
    made = HloValue(result)
    operands = values if uses is None else [values[i] for i in uses]
    operation = HloOperation(name, operands, [made], attributes or {}, list(regions), "here")
    made.owner = operation
    block = HloBlock(values, [operation, HloOperation("return", [made], [], {})])
    return HloModule({"main": HloOperation("func", [], [], {}, [Region([block])])})


def results(of, *arrays):
    p = ImmediateBuilder()
    nodes = [p.known_array(array, dtypes.as_dtype(array.dtype)) for array in arrays]
    return [p.value(node) for node in Translation(verify(of), p).main(nodes)]


def test_every_operation_that_is_translated_has_facts():
    assert set(load_handlers()) - set(table()) == set(ONE_PARTICIPANT)


def test_what_fits_is_computed():
    made = module("transpose", [tensor(2, 3)], tensor(3, 2), {"permutation": integers(1, 0)})
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(results(made, x)[0], x.T)


X = tensor(2, 3)
REFUSED = {
    "an operand too few": (module("add", [X], X), "takes 2 operands. Received 1"),
    "operands of two shapes": (module("add", [X, tensor(3)], X), "different shapes"),
    "operands of another kind": (
        module("sine", [tensor(2, dtype=dtypes.int32)], tensor(2)),
        "operand 0 has elements of .*int32",
    ),
    "an attribute of another kind": (
        module("iota", [], X, {"iota_dimension": SymbolRef("main")}),
        "iota_dimension is SymbolRef",
    ),
    "an axis outside": (
        module("reverse", [X], X, {"dimensions": integers(2)}),
        "its attribute dimensions",
    ),
    "an axis twice": (
        module("transpose", [X], X, {"permutation": integers(0, 0)}),
        "its attribute permutation",
    ),
    "too few axes": (module("transpose", [X], X, {"permutation": integers(0)}), "its permutation"),
    "an attribute missing": (module("reverse", [X], X), "its attribute dimensions is None"),
    "a slice outside": (
        module(
            "slice",
            [X],
            X,
            dict(
                start_indices=integers(0, 0), limit_indices=integers(2, 4), strides=integers(1, 1)
            ),
        ),
        "0:4:1 of 3 elements",
    ),
    "no region": (
        module("reduce", [X, tensor()], tensor(3), {"dimensions": integers(0)}),
        "takes 1 regions. Received 0",
    ),
    "an empty region": (
        module("if", [tensor(dtype=dtypes.bool_)], X, {}, [Region([HloBlock()])] * 2),
        "a region is empty",
    ),
    "a function that is missing": (module("call", [X], X, {"callee": SymbolRef("f")}), "callee"),
    "no type": (module("negate", [X], 7), "result 0 has no type, but 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    made, text = REFUSED[name]
    with pytest.raises(InvalidArgumentError, match=f"'?{made_name(made)}'? at here: .*{text}"):
        verify(made)


def test_functions_that_call_themselves_are_refused():
    with pytest.raises(InvalidArgumentError, match="the function 'main' calls itself"):
        verify(module("call", [X], X, {"callee": SymbolRef("main")}))


def test_functions_that_double_are_refused_at_once():
    names = ["main", *(f"f{i}" for i in range(29))]
    made = HloModule({})
    for name, called in zip(names, [*names[1:], None], strict=True):
        x, first, last = HloValue(X), HloValue(X), HloValue(X)
        kind, attributes = ("call", {"callee": SymbolRef(called)}) if called else ("negate", {})
        operations = [
            HloOperation(kind, [x], [first], attributes),
            HloOperation(kind, [first], [last], attributes),
            HloOperation("return", [last], [], {}),
        ]
        first.owner, last.owner = operations[:2]
        body = Region([HloBlock([x], operations)])
        made.functions[name] = HloOperation("func", [], [], {}, [body])
    with pytest.raises(InvalidArgumentError, match="expand to more than 65,536 nodes"):
        verify(made)


def made_name(of):
    return of.main.regions[0].block.operations[0].name


def test_values_are_defined_before_they_are_used():
    made = module("negate", [X], X)
    operation = made.main.regions[0].block.operations[0]
    operation.operands = operation.results
    with pytest.raises(InvalidArgumentError, match="operand 0 is not defined"):
        verify(made)


def test_results_are_those_of_the_module():
    made = module("negate", [tensor(2)], tensor(3))
    with pytest.raises(InvalidArgumentError, match=r"negate gives float32 shape \[2\]"):
        results(made, np.ones(2, np.float32))
    made = module("dot", [tensor(2, None), tensor(3, 4)], tensor(2, 4))
    with pytest.raises(InvalidArgumentError, match=r"dot of float32\[2, 5\], float32\[3, 4\]"):
        results(made, np.ones((2, 5), np.float32), np.ones((3, 4), np.float32))
