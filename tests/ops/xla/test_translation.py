"""Operations of StableHLO that JAX does not write, as modules made by hand: on the host and in primitives."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.ir import interpreter
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.xla.translation.translate import Translation
from penstock._src.stablehlo.module import (
    Dense,
    Enum,
    HloBlock,
    HloModule,
    HloOperation,
    HloValue,
    Region,
    TensorType,
)

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(4, 6).astype(np.float32)
Y = RANDOM.randn(6, 3).astype(np.float32)


def type_of(array):
    return TensorType(np.shape(array), dtypes.as_dtype(np.asarray(array).dtype))


def vector(*numbers):
    array = np.array(numbers, np.int64)
    return Dense(type_of(array), array)


def block_of(types, *steps):
    """A block of (name, places of operands among arguments and earlier results, result type, attributes)."""
    block = HloBlock([HloValue(t) for t in types])
    values = list(block.arguments)
    for name, places, type_, attributes in steps:
        made = HloOperation(name, [values[i] for i in places], [HloValue(type_)], attributes)
        made.results[0].owner = made
        block.operations.append(made)
        values.append(made.results[0])
    block.operations.append(HloOperation("return", values[len(types) :][-1:], [], {}))
    return block


def results(name, arrays, types, regions=(), **attributes):
    """What an operation gives for arrays: by both builders, which agree."""
    arguments = [HloValue(type_of(a)) for a in arrays]
    operation = HloOperation(name, arguments, [HloValue(t) for t in types], attributes)
    operation.regions = [Region([block]) for block in regions]
    last = HloOperation("return", operation.results, [], {})
    main = HloOperation("func", [], [], {}, [Region([HloBlock(arguments, [operation, last])])])
    module = HloModule({"main": main})
    now = ImmediateBuilder()
    known = [now.known_array(a, dtypes.as_dtype(a.dtype)) for a in arrays]
    found = [now.value(node) for node in Translation(module, now).main(known)]
    p = LoweringContext()
    # small vectors say where: they are known, as what is computed from shapes is
    parameters = [
        p.constant(a) if a.dtype == np.int32 and a.ndim == 1 else p.parameter(i, a.shape, dtype)
        for i, (a, dtype) in enumerate((a, dtypes.as_dtype(a.dtype)) for a in arrays)
    ]
    open_ = [(n, a) for n, a in zip(parameters, arrays, strict=True) if n.kind == "parameter"]
    translated = Translation(module, p).main(parameters)
    function = p.function("main", [n for n, _ in open_], translated)
    values = interpreter.run(function, [a for _, a in open_])[0]
    for one, other in zip(found, values, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    return found


def test_products():
    whole = TensorType((4, 3), dtypes.float32)
    expected = X @ Y
    (found,) = results("dot", [X, Y], [whole], precision_config=())
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    (found,) = results("einsum", [X, Y], [whole], einsum_config="ab,bc->ac")
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    (found,) = results("unary_einsum", [X], [type_of(X[0])], einsum_config="ab->b")
    np.testing.assert_allclose(found, X.sum(0), rtol=1e-5)


def test_batch_normalization():
    scale, offset = np.arange(1, 7, dtype=np.float32), np.ones(6, np.float32)
    mean, variance = X.mean(0), X.var(0)
    form = {"epsilon": 0.1, "feature_index": 1}
    types = [type_of(X), type_of(mean), type_of(mean)]
    y, m, v = results("batch_norm_training", [X, scale, offset], types, **form)
    expected = (X - mean) / np.sqrt(variance + 0.1) * scale + offset
    np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(m, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(v, variance, rtol=1e-5)
    given = [X, scale, offset, mean, variance]
    (again,) = results("batch_norm_inference", given, types[:1], **form)
    np.testing.assert_allclose(again, y, rtol=1e-5, atol=1e-5)


def test_batch_normalisation_gradient_by_differences():
    x, scale = X[:, :2].astype(np.float64), np.array([1.5, -2.0])
    dy = RANDOM.randn(4, 2)

    def loss(x):
        y = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.1) * scale
        return (y * dy).sum()

    types = [type_of(x), type_of(scale), type_of(scale)]
    given = [x, scale, x.mean(0), x.var(0), dy]
    dx, _, d_offset = results("batch_norm_grad", given, types, epsilon=0.1, feature_index=1)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        slope = (loss(x + step) - loss(x - step)) / 2e-6
        np.testing.assert_allclose(dx[i], slope, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(d_offset, dy.sum(0))


def test_computed_bounds():
    bounds = [np.array(v, np.int32) for v in ([0, 1], [4, 5], [2, 2])]
    (found,) = results("real_dynamic_slice", [X, *bounds], [TensorType((2, 2), dtypes.float32)])
    np.testing.assert_array_equal(found, X[0:4:2, 1:5:2])
    amounts = [np.array(v, np.int32) for v in ([1, 0], [0, -1], [0, 1])]
    shape = TensorType((5, 10), dtypes.float32)
    (found,) = results("dynamic_pad", [X, np.array(7, np.float32), *amounts], [shape])
    assert found.shape == (5, 10)
    np.testing.assert_array_equal(found[1:, ::2], X[:, :5])


def test_functions_of_single_elements():
    scalar = TensorType((), dtypes.float32)
    body = block_of([scalar], ("exponential", [0], scalar, {}), ("negate", [1], scalar, {}))
    (found,) = results("map", [X], [type_of(X)], [body], dimensions=vector(0, 1))
    np.testing.assert_allclose(found, -np.exp(X), rtol=1e-5)


def test_slices_by_index():
    indices = np.array([5, 0, 5], np.int32)
    (found,) = results(
        "torch_index_select",
        [X, indices],
        [TensorType((4, 3), dtypes.float32)],
        dim=1,
        batch_dims=0,
    )
    np.testing.assert_array_equal(found, X[:, indices])


def test_a_comparator_of_no_known_form():
    scalar, truth = TensorType((), dtypes.int32), TensorType((), dtypes.bool_)
    less = {"comparison_direction": Enum("comparison_direction", "LT")}
    # a comes before b where a * a - 4 b < b * b - 4 a: no function of one alone
    body = block_of(
        [scalar, scalar],
        ("multiply", [0, 0], scalar, {}),
        ("multiply", [1, 1], scalar, {}),
        ("subtract", [2, 1], scalar, {}),
        ("subtract", [3, 0], scalar, {}),
        ("compare", [4, 5], truth, less),
    )
    x = np.array([[3, -2, 7, -2, 0], [1, 5, -4, 2, 2]], np.int32)
    (found,) = results("sort", [x], [type_of(x)], [body], dimension=1, is_stable=True)
    np.testing.assert_array_equal(found, [sorted(row, key=lambda a: a * a + a) for row in x])


def test_what_is_not_implemented_is_named():
    with pytest.raises(UnimplementedError, match="'infeed' is not implemented"):
        results("infeed", [], [])


@pytest.mark.parametrize(
    ("target", "function"),
    [("Sharding", lambda x: x), ("chlo.square", np.square), ("mhlo.tan", np.tan)],
)
def test_custom_calls_by_name(target, function):
    (found,) = results("custom_call", [X], [type_of(X)], call_target_name=target)
    np.testing.assert_allclose(found, function(X), rtol=1e-5)


def test_collectives_of_one_participant_are_the_operand():
    (found,) = results("all_gather", [X], [type_of(X)], replica_groups=vector(0))
    np.testing.assert_array_equal(found, X)
    (number,) = results("replica_id", [], [TensorType((), dtypes.uint32)])
    assert number == 0
    with pytest.raises(UnimplementedError, match="all_gather of 2 participants"):
        results("all_gather", [X], [type_of(X)], replica_groups=vector(0, 1))


def test_branches_by_condition():
    scalar = TensorType((), dtypes.float32)
    for holds in (True, False):
        branches = [
            block_of([], ("constant", [], scalar, {"value": Dense(scalar, np.float32(v))}))
            for v in (2.5, -1.0)
        ]
        (found,) = results("if", [np.array(holds)], [scalar], branches)
        assert found == (2.5 if holds else -1.0)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("custom_call", {"call_target_name": "nobody"}, "the custom call 'nobody'"),
        ("call", {"callee": "elsewhere"}, "the module has no function 'elsewhere'"),
    ],
)
def test_functions_that_are_not_there_are_named(name, attributes, message):
    with pytest.raises(UnimplementedError, match=message):
        results(name, [X], [type_of(X)], **attributes)


def test_arguments_must_be_those_of_the_module():
    main = block_of([type_of(X)], ("negate", [0], type_of(X), {}))
    module = HloModule({"main": HloOperation("func", [], [], {}, [Region([main])])})
    p = ImmediateBuilder()
    translation = Translation(module, p)
    x, turned = p.known_array(X, dtypes.float32), p.known_array(X.T, dtypes.float32)
    with pytest.raises(InvalidArgumentError, match="takes 1 arguments. Received 2"):
        translation.main([x, x])
    with pytest.raises(InvalidArgumentError, match=r"argument 0 has float32 shape \[6, 4\]"):
        translation.main([turned])
