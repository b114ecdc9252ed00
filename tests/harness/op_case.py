"""`check(OpCase(...))`: one call of an op, held against everything Penstock says of that op.

1. the eager kernel against the expected value;
2. the lowering, run by the NumPy interpreter, against the eager kernel;
3. the compiled program against the eager kernel;
4. the shape rule, for known, partly known and unknown shapes, against the shape of the result;
5. the gradient against central differences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import penstock._src.api.load
import penstock._src.graph.static_values  # noqa: F401  (ops run once these are loaded)
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.compiler.compile import compile_graph
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import convert, dtypes, registry
from penstock._src.core.calls.binding import bind
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.op import group_arguments
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.ir import interpreter
from penstock._src.ir.errors import NeedsValue, NotLowerable

# Rounding of the type, and of sums of some tens of elements.
EXACT = (0.0, 0.0)
TOLERANCE = {
    np.dtype(np.float64): (1e-11, 1e-12),
    np.dtype(np.complex128): (1e-11, 1e-12),
    np.dtype(np.float32): (2e-5, 1e-6),
    np.dtype(np.complex64): (2e-5, 1e-6),
    np.dtype(np.float16): (4e-3, 2e-3),
}
HALF = (2e-2, 1e-2)


@dataclass
class OpCase:
    """One call of an op.

    Args:
      op: its name.
      inputs: an array for each input, a list of arrays for a list input.
      attrs: its attributes.
      expect: the expected output (a list for several), or a NumPy function of the inputs, or None.
      gradient: whether to compare gradients with differences (by default if there are any), or for
        which inputs.
      lowers: True if the lowering must work for this call, False if it must not be tried.
      compiles: whether to compare the compiled program, too.
      shape_known: whether known shapes and values determine the shape of the result.
    """

    op: str
    inputs: Sequence[Any]
    attrs: dict[str, Any] = field(default_factory=dict)
    expect: Any = None
    name: str = ""
    tolerance: tuple[float, float] | None = None
    gradient: bool | tuple[int, ...] | None = None
    lowers: bool | None = None
    compiles: bool = True
    shape_known: bool = True

    def __str__(self) -> str:
        shapes = "x".join(
            "[]" if isinstance(x, list) else str(list(np.shape(x))).replace(" ", "")
            for x in self.inputs
        )
        return f"{self.op}-{self.name or shapes}"


def check(case: OpCase) -> None:
    """Runs the five comparisons. See the head of this file."""
    outputs = run_eagerly(case)
    if case.expect is not None:
        check_expected(case, outputs)
    cls = registry.find(case.op)
    if cls.has_lowering and case.lowers is not False:
        check_lowering(case, outputs)
    if case.compiles:
        check_compiled(case, outputs)
    check_shapes(case, outputs)
    wanted = case.gradient is not False and cls.has_gradient and cls.differentiable
    if wanted and differentiable_inputs(case):
        check_gradient(case)


# -- running ---------------------------------------------------------------------------------------


def call(case: OpCase, inputs: Sequence[Any]) -> list[Any]:
    """Calls the op in the current context; returns the flat list of output tensors."""
    return flat(getattr(raw, case.op)(*inputs, **case.attrs))


def flat(outputs: Any) -> list[Any]:
    if outputs is None:
        return []
    if isinstance(outputs, (list, tuple)):
        return [t for o in outputs for t in flat(o)]
    return [outputs]


def tensors_of(case: OpCase) -> list[Any]:
    """Returns the inputs as tensors, so that their types are those of the case."""
    return [
        [convert.convert_to_tensor(v) for v in x]
        if isinstance(x, list)
        else convert.convert_to_tensor(x)
        for x in case.inputs
    ]


def run_eagerly(case: OpCase) -> list[np.ndarray]:
    return [np.asarray(t.numpy()) for t in call(case, tensors_of(case))]


def flat_inputs(case: OpCase) -> list[np.ndarray]:
    """Returns the inputs as arrays, lists spread out."""
    return [t._value for t in flat(tensors_of(case))]


def regrouped(case: OpCase, items: Sequence[Any]) -> list[Any]:
    """Returns items in place of the flat inputs, lists again where the op takes lists."""
    grouped, at = [], 0
    for x in case.inputs:
        if isinstance(x, list) and is_list_argument(case, len(grouped)):
            grouped.append(list(items[at : at + len(x)]))
            at += len(x)
        else:
            grouped.append(items[at])
            at += 1
    return grouped


def is_list_argument(case: OpCase, position: int) -> bool:
    return registry.find(case.op).inputs[position].is_list


# -- comparisons -----------------------------------------------------------------------------------


def compare(actual: Any, expected: Any, tolerance: tuple[float, float] | None, what: str) -> None:
    """Asserts that two arrays have one shape, one type and close elements."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, not {expected.shape}"
    assert actual.dtype == expected.dtype, f"{what}: type {actual.dtype}, not {expected.dtype}"
    if actual.dtype == object or actual.dtype.kind in "iub":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    rtol, atol = tolerance or TOLERANCE.get(actual.dtype, HALF)
    if actual.dtype.kind == "V":
        actual, expected = actual.astype(np.float32), expected.astype(np.float32)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, err_msg=what)


def check_expected(case: OpCase, outputs: list[np.ndarray]) -> None:
    expected = case.expect
    if callable(expected):
        expected = expected(*[np.asarray(x) if not isinstance(x, list) else x for x in case.inputs])
    expected = list(expected) if isinstance(expected, (list, tuple)) else [expected]
    if len(outputs) == 1 and len(expected) != 1:
        expected = [expected]
    assert len(outputs) == len(expected)
    for i, (out, wanted) in enumerate(zip(outputs, expected, strict=True)):
        wanted = np.asarray(wanted)
        if wanted.dtype != out.dtype and wanted.dtype.kind in "iufcbV" and out.dtype.kind != "O":
            wanted = wanted.astype(out.dtype)
        compare(out, wanted, case.tolerance, f"{case}: eager output {i}")


def check_lowering(case: OpCase, outputs: list[np.ndarray]) -> None:
    """Lowers the op on parameters; those whose values it needs become constants."""
    arrays = flat_inputs(case)
    if any(a.dtype == object for a in arrays if isinstance(a, np.ndarray)):
        return
    known: set[int] = set()
    while True:
        p = LoweringContext()
        nodes = [
            p.constant(a) if i in known else p.parameter(i, a.shape, dtypes.as_dtype(a.dtype))
            for i, a in enumerate(arrays)
        ]
        try:
            results = lower(case, p, nodes)
            break
        except NeedsValue as error:
            fresh = {i for i, n in enumerate(nodes) if depends(error.node, n)} - known
            assert fresh, f"{case}: needs a value that no input has: {error}"
            known |= fresh
        except NotLowerable as error:
            assert not case.lowers, f"{case}: {error}"
            return
    parameters = [n for i, n in enumerate(nodes) if i not in known]
    function = p.function(case.op, parameters, results)
    values = [a for i, a in enumerate(arrays) if i not in known]
    found, _ = interpreter.run(function, values)
    for i, (out, wanted) in enumerate(zip(found, outputs, strict=True)):
        compare(out, wanted, case.tolerance, f"{case}: lowered output {i}")


def depends(node: Any, leaf: Any) -> bool:
    """Whether a node is computed from a leaf."""
    stack, seen = [node], set()
    while stack:
        n = stack.pop()
        if n is leaf:
            return True
        if n.id not in seen:
            seen.add(n.id)
            stack.extend(n.args)
    return False


def lower(case: OpCase, p: LoweringContext, nodes: list[Any]) -> list[Any]:
    tensors, op = bind(registry.find(case.op), tuple(tensors_of(case)), dict(case.attrs), False)
    assert len(tensors) == len(nodes)
    return flat(op.lowering(p, *group_arguments(op.inputs, op, nodes)))


def graph_of(case: OpCase, shapes: Sequence[Any], constants: set[int]) -> FuncGraph:
    """Returns a graph of the op on placeholders of these shapes, and on constants."""
    arrays = flat_inputs(case)
    graph = FuncGraph(case.op)
    with graph.as_default():
        tensors, graph.inputs = [], []
        for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            if i in constants:
                tensors.append(convert.convert_to_tensor(array))
                continue
            tensor = graph.placeholder(dtypes.as_dtype(array.dtype), TensorShape(shape), f"x{i}")
            graph.inputs.append(tensor)
            tensors.append(tensor)
        graph.outputs = call(case, regrouped(case, tensors))
    return graph


def check_compiled(case: OpCase, outputs: list[np.ndarray]) -> None:
    arrays = flat_inputs(case)
    graph = graph_of(case, [a.shape for a in arrays], set())
    found = compile_graph(graph, graph.inputs, graph.outputs)(arrays)
    for i, (out, wanted) in enumerate(zip(found, outputs, strict=True)):
        compare(out, wanted, case.tolerance, f"{case}: compiled output {i}")


def check_shapes(case: OpCase, outputs: list[np.ndarray]) -> None:
    """The static shape must be compatible with the result, and equal to it if all is known."""
    arrays = flat_inputs(case)
    every = set(range(len(arrays)))
    whole = [a.shape for a in arrays]
    partly = [tuple(None if i == 0 else d for i, d in enumerate(s)) for s in whole]
    integers = {i for i in every if arrays[i].dtype.kind in "iub" and arrays[i].ndim < 2}
    for shapes, constants in (
        (whole, every),
        (whole, set()),
        (partly, integers),
        (partly, set()),
        ([(None,) * len(s) for s in whole], set()),
        ([None] * len(whole), set()),
    ):
        graph = graph_of(case, shapes, constants)
        for t, out in zip(graph.outputs, outputs, strict=True):
            said = f"{case}: shape {t.shape} for inputs {shapes}"
            assert t.shape.is_compatible_with(out.shape), f"{said}, but the result has {out.shape}"
            if constants == every and case.shape_known:
                assert t.shape.as_list() == list(out.shape), f"{said}, but it is known: {out.shape}"


# -- gradients -------------------------------------------------------------------------------------


def differentiable_inputs(case: OpCase) -> list[int]:
    return [i for i, a in enumerate(flat_inputs(case)) if a.dtype.kind in "fc" and a.size]


def gradients(case: OpCase, arrays: list[np.ndarray], weights: list[Any]) -> list[Any]:
    """Returns the gradient of sum(weights * outputs) for each input, as dense arrays or None."""
    with GradientTape() as tape:
        tensors = [convert.convert_to_tensor(a) for a in arrays]
        tape.watch([t for t in tensors if t.dtype.is_floating or t.dtype.is_complex])
        outputs = call(case, regrouped(case, tensors))
    targets = [o for o in outputs if o.dtype.is_floating or o.dtype.is_complex]
    sources = [t for t in tensors if t.dtype.is_floating or t.dtype.is_complex]
    found = tape.gradient(
        targets, sources, output_gradients=[convert.convert_to_tensor(w) for w in weights]
    )
    dense = iter(found)
    return [None if a.dtype.kind not in "fc" else as_array(next(dense)) for a in arrays]


def as_array(gradient: Any) -> Any:
    if isinstance(gradient, IndexedSlices):
        gradient = convert.convert_to_tensor(gradient)
    return None if gradient is None else gradient.numpy()


def check_gradient(case: OpCase) -> None:
    arrays = flat_inputs(case)
    outputs = call(case, tensors_of(case))
    random = np.random.default_rng(0)
    weights = [
        draw(random, t.shape.as_list(), t.numpy().dtype)
        for t in outputs
        if t.dtype.is_floating or t.dtype.is_complex
    ]
    if not weights:
        return
    found = gradients(case, arrays, weights)
    single = any(
        a.dtype.itemsize // (2 if a.dtype.kind == "c" else 1) < 8
        for a in arrays
        if a.dtype.kind in "fc"
    )

    def total(changed: list[np.ndarray]) -> float:
        results = call(case, regrouped(case, [convert.convert_to_tensor(a) for a in changed]))
        kept = [r.numpy() for r in results if r.dtype.is_floating or r.dtype.is_complex]
        return sum(
            float(np.sum(np.real(r.astype(w.dtype) * np.conj(w)), dtype=np.float64))
            for r, w in zip(kept, weights, strict=True)
        )

    step = 1e-2 if single else 1e-6
    rtol, atol = (2e-3, 2e-3) if single else (2e-5, 1e-6)
    chosen = case.gradient if isinstance(case.gradient, tuple) else differentiable_inputs(case)
    for i in chosen:
        expected = differences(total, arrays, i, step)
        actual = np.zeros_like(arrays[i]) if found[i] is None else found[i]
        np.testing.assert_allclose(
            actual, expected, rtol=rtol, atol=atol, err_msg=f"{case}: gradient of input {i}"
        )


def draw(random: np.random.Generator, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    values = random.normal(size=shape)
    if dtype.kind == "c":
        values = values + 1j * random.normal(size=shape)
    return np.asarray(values).astype(dtype)


def differences(
    total: Callable[[list[np.ndarray]], float], arrays: list[np.ndarray], i: int, step: float
) -> np.ndarray:
    """Returns the derivative of `total` by each element of input i: central differences.

    Of complex elements the real part is the derivative along the real axis, and the imaginary part
    the one along the imaginary axis.
    """
    result = np.zeros_like(arrays[i])
    for at in np.ndindex(result.shape):
        for direction in (1, 1j) if result.dtype.kind == "c" else (1,):
            ends = []
            for sign in (1, -1):
                changed = [np.array(a) for a in arrays]
                changed[i][at] += sign * step * direction
                ends.append(total(changed))
            result[at] += direction * (ends[0] - ends[1]) / (2 * step)
    return result


# -- inputs ----------------------------------------------------------------------------------------


def values(
    *shape: int, dtype: Any = np.float64, low: float = -2.0, high: float = 2.0, seed: int = 0
) -> np.ndarray:
    """Returns random numbers in [low, high), the same in every run."""
    random = np.random.default_rng(seed + 1000 * len(shape))
    numbers = random.uniform(low, high, shape)
    if np.dtype(dtype).kind == "c":
        numbers = numbers + 1j * random.uniform(low, high, shape)
    return np.asarray(numbers).astype(dtype)


def whole(
    *shape: int, low: int = -5, high: int = 6, dtype: Any = np.int32, seed: int = 0
) -> np.ndarray:
    """Returns random integers in [low, high), the same in every run."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def ints(*entries: int, dtype: Any = np.int32) -> np.ndarray:
    """Returns a vector of integers."""
    return np.array(entries, dtype)
