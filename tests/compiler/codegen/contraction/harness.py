"""Builds a contraction in the ir, runs the kernel it matches, and compares with float64 NumPy."""

import numpy as np

from penstock._src.compiler.codegen.contraction.emit import emit_contraction
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.recognize.contractions.match import match
from penstock._src.core import dtypes
from penstock._src.ir.interpreter import evaluate_node
from penstock._src.native import host
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.extents import symbol

EPS = {"float32": 2e-6, "float64": 1e-14, "bfloat16": 1e-2, "float16": 2e-3}


def evaluate(node, known):
    """The value of a node, given those of the parameters by id."""
    if node.id not in known:
        known[node.id] = evaluate_node(node, [evaluate(a, known) for a in node.args])
    return known[node.id]


def build(make, shapes, dtype):
    p = LoweringContext()
    parameters = [p.parameter(i, shape, dtype) for i, shape in enumerate(shapes)]
    return make(p, *parameters), parameters


def values(shapes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    plain = [tuple(int(d) for d in s) for s in shapes]
    if dtype.is_integer:
        return [rng.integers(-9, 10, s).astype(dtype.np) for s in plain]
    return [rng.standard_normal(s).astype(dtype.np) for s in plain]


def kernel_of(make, shapes, dtype=dtypes.float32, target=None, threads=2, **hooks):
    node, parameters = build(make, shapes, dtype)
    found = match(node)
    assert found is not None, f"{node!r} matches nothing"
    return (
        node,
        parameters,
        found,
        emit_contraction(found.description, target or host(), threads, **hooks),
    )


def check(make, *shapes, dtype=dtypes.float32, form=None, target=None, at_end=True, tolerance=None):
    """Runs and compares; returns the match."""
    node, parameters, found, kernel = kernel_of(make, shapes, dtype, target)
    if form is not None:
        assert found.description.form == form, (
            f"expected a {form}, found a {found.description.form}"
        )
    arrays = values(shapes, dtype)
    known = {p.id: a for p, a in zip(parameters, arrays, strict=True)}
    left, right = (
        np.asarray(evaluate(x, known)).reshape(-1)[start:]
        for x, start in zip((found.left, found.right), found.starts, strict=True)
    )
    out = np.zeros(tuple(int(d) for d in node.shape), dtype.np)
    out.reshape(-1).view(np.uint8)[:] = 0xFF
    got, _ = run_kernel(kernel, left, right, out, found.sizes, at_end=at_end)
    exact = dtype if dtype.is_integer else dtypes.float64
    want_node, want_parameters = build(make, shapes, exact)
    want = evaluate(
        want_node, {p.id: a.astype(exact.np) for p, a in zip(want_parameters, arrays, strict=True)}
    )
    if dtype.is_integer:
        assert np.array_equal(got, want)
        return found
    depth = max(1.0, np.sqrt(left.size / max(1, got.size)) * 4)
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    bound = (tolerance or EPS[dtype.name]) * depth * scale
    error = float(np.abs(got.astype(np.float64) - want).max(initial=0))
    assert error <= bound, (
        f"{found.description.form} {kernel.label} {kernel.facts}: error {error:.1e} > {bound:.1e}"
    )
    return found


def dim(value, name="batch"):
    return symbol(name, value)
