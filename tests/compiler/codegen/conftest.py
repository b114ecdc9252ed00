"""`native`: a function of primitives compiled and run in guard mode, compared with the interpreter."""

import ml_dtypes
import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.verify import simulate
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags

EPS = {
    "float16": 1e-3,
    "bfloat16": 8e-3,
    "float32": 1.2e-7,
    "float64": 2.3e-16,
    "complex64": 1.2e-7,
    "complex128": 2.3e-16,
}


def close(got, want, tolerance):
    assert got.shape == want.shape, (got.shape, want.shape)
    assert got.dtype == want.dtype, (got.dtype, want.dtype)
    name = want.dtype.name
    if name not in EPS:
        np.testing.assert_array_equal(got, want)
        return
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    finite = np.isfinite(want)
    largest = float(np.abs(want[finite]).max()) if finite.any() else 1.0
    bounds = {"rtol": tolerance * EPS[name], "atol": tolerance * EPS[name] * max(largest, 1e-30)}
    if wide is np.complex128:  # infinite numbers have another part, which may be rounded
        endless = np.isinf(want)
        for g, w in ((got.real, want.real), (got.imag, want.imag)):
            known = endless & ~np.isnan(w)
            np.testing.assert_allclose(g[known], w[known], **bounds)
        got, want = got[~endless], want[~endless]
    np.testing.assert_allclose(got, want, **bounds)


class Handle:
    """A variable, as the program sees it."""

    def __init__(self, value):
        self.value, self.version, self.derived = value, 0, {}


def run(make, *arrays, tolerance=8, shapes=None, variables=(), calls=1):
    """Builds make(p, *parameters), runs it natively, compares; returns (program, results).

    Arguments whose number is in `variables` are variables' handles. `shapes` may hold Dims.
    """
    p = LoweringContext()
    parameters = []
    for i, array in enumerate(arrays):
        shape = array.shape if shapes is None else shapes[i]
        dtype = dtypes.as_dtype(array.dtype)
        if i in variables:
            parameters.append(p.parameter(i, (), dtypes.resource, variable=(shape, dtype)))
        else:
            parameters.append(p.parameter(i, shape, dtype))
    results = make(p, *parameters)
    if not isinstance(results, (list, tuple)):
        results = [] if results is None else [results]
    function = p.function("test", parameters, results)
    want, updates = interpreter.run(function, arrays)
    for s, w in zip(simulated(function, arrays), want, strict=True):
        close(s, w, tolerance)
    with flags.override(guard=1):
        program = build_program(function)
        arguments = [Handle(np.array(a)) if i in variables else a for i, a in enumerate(arrays)]
        got = program(*arguments)
    for g, w in zip(got, want, strict=True):
        close(g, w, tolerance)
    for (handle, _), w in zip(function.updates, updates, strict=True):
        close(arguments[parameters.index(handle)].value, w, tolerance)
    return program, got


def simulated(function, arrays):
    """What the scheduled kernels give in NumPy."""
    return simulate.run(function, arrays)[0]


@pytest.fixture
def native():
    return run


def sample(dtype, shape, seed=0, low=-3.0, high=3.0):
    """Reproducible values of any type."""
    r = np.random.default_rng(seed)
    dtype = np.dtype(dtype) if dtype != "bfloat16" else np.dtype(ml_dtypes.bfloat16)
    if dtype.kind == "b":
        return r.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return r.integers(max(info.min, -100), min(info.max, 100), shape).astype(dtype)
    if dtype.kind == "c":
        return (r.uniform(low, high, shape) + 1j * r.uniform(low, high, shape)).astype(dtype)
    return r.uniform(low, high, shape).astype(dtype)


@pytest.fixture
def values():
    return sample
