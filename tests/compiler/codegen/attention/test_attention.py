"""Attention as kernels of its own: values and gradients against float64, and that no matrix of scores is stored."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np
import pytest

from penstock._src.compiler.codegen.attention.form import BACKWARD, ContextLayout, Form
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program, generator_for
from penstock._src.ir import interpreter
from penstock._src.ir.function import Function
from penstock._src.runtime.load import load
from penstock._src.util import flags
from tests.harness.targets import HERE, LESSER, MATRICES_IN_MEMORY, RUNS_MATRICES_IN_MEMORY

LOW = -2.0e38
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 2e-2, "float16": 3e-3}


@dataclass(frozen=True)
class Case:
    """Extents: batch, heads, rows, columns, elements of Q's and V's rows."""

    batch: int = 2
    heads: int = 3
    rows: int = 64
    columns: int = 128
    depth: int = 16
    width: int = 16
    mask: str = ""  # "", "causal", "given", "bias"
    dtype: str = "float32"
    heads_first: bool = False
    turned: bool = False  # all results come with their axes exchanged
    # Columns that row 0 sees before its own; as many as there are more columns than rows.
    past: int | None = None

    @property
    def specs(self):
        if self.turned:
            return "bnth,bnsh->bnts", "bnts,bnsd->bndt", "bntd,bnsd->bnts", "bntd,bnts->bnds"
        if self.heads_first:
            return "bnth,bnsh->bnts", "bnts,bnsd->bntd", "bntd,bnsd->bnts", "bnts,bntd->bnsd"
        return "btnh,bsnh->bnts", "bnts,bsnd->btnd", "btnd,bsnd->bnts", "bnts,btnd->bsnd"

    def shape(self, length, width):
        if self.heads_first or self.turned:
            return (self.batch, self.heads, length, width)
        return (self.batch, length, self.heads, width)

    @property
    def shapes(self):
        rows, columns = self.rows, self.columns
        return [
            self.shape(rows, self.depth), self.shape(columns, self.depth),
            self.shape(columns, self.width), self.shape(rows, self.width),
        ]  # fmt: skip

    @property
    def seen_before(self):
        return self.columns - self.rows if self.past is None else self.past

    @property
    def scores(self):
        return (self.batch, self.heads, self.rows, self.columns)


def turn(case: Case, weights, other):
    """The operands of a product over rows, in the order of its spec."""
    return (other, weights) if case.turned else (weights, other)


def written(case: Case, backward: bool) -> Function:
    """The function as Keras and TensorFlow's gradients write it."""
    p = LoweringContext()
    dtype = dtypes.as_dtype(case.dtype)
    wide = dtype if dtype.size >= 4 else dtypes.float32
    q, k, v, seed = (p.parameter(i, s, dtype) for i, s in enumerate(case.shapes))
    extra = []
    forward, values, back, over_rows = case.specs
    scale = 1 / np.sqrt(case.depth)
    logits = p.mul(p.cast(p.contract(forward, q, k), wide), scale)
    condition = None
    if case.mask == "causal":
        shape = (case.rows, case.columns)
        t, s = p.iota(shape, 0, dtypes.int32), p.iota(shape, 1, dtypes.int32)
        condition = p.broadcast_to(p.le(p.sub(s, t), case.seen_before), case.scores)
    elif case.mask == "given":
        extra = [p.parameter(4, (case.batch, 1, 1, case.columns), dtypes.bool_)]
        condition = p.broadcast_to(extra[0], case.scores)
    elif case.mask == "bias":
        extra = [p.parameter(4, (case.heads, case.rows, case.columns), wide)]
        logits = p.add(
            logits, p.broadcast_to(p.reshape(extra[0], (1, *extra[0].shape)), case.scores)
        )
    if condition is not None:
        logits = p.select(condition, logits, LOW)
    e = p.exp(p.sub(logits, p.reduce_max(logits, [3], keepdims=True)))
    probabilities = p.div(e, p.reduce_sum(e, [3], keepdims=True))
    weights = p.cast(probabilities, dtype)
    results = [p.contract(values, weights, v)]
    if backward:
        dv = p.contract(over_rows, *turn(case, weights, seed))
        dp = p.cast(p.contract(back, seed, v), wide)
        shares = p.reduce_sum(p.mul(dp, probabilities), [3], keepdims=True)
        ds = p.mul(p.sub(dp, shares), probabilities)
        ds = ds if condition is None else p.select(condition, ds, 0.0)
        ds = p.cast(p.mul(ds, scale), dtype)
        results += [p.contract(values, ds, k), p.contract(over_rows, *turn(case, ds, q)), dv]
    return Function("attention", (q, k, v, seed, *extra), tuple(results))


def arguments(case: Case):
    random = np.random.default_rng(1)
    kind = ml_dtypes.bfloat16 if case.dtype == "bfloat16" else case.dtype
    arrays = [random.standard_normal(s).astype(kind) for s in case.shapes]
    if case.mask == "given":
        seen = random.random((case.batch, 1, 1, case.columns)) < 0.7
        arrays.append(seen)
    if case.mask == "bias":
        bias = random.standard_normal((case.heads, case.rows, case.columns))
        arrays.append(bias.astype("float64" if case.dtype == "float64" else "float32"))
    return arrays


def expected(case: Case, arrays, backward: bool):
    """In float64, step by step."""
    q, k, v, seed = (a.astype(np.float64) for a in arrays[:4])
    forward, values, back, over_rows = case.specs
    scale = 1 / np.sqrt(case.depth)
    logits, seen = np.einsum(forward, q, k) * scale, True
    if case.mask == "causal":
        t, s = np.arange(case.rows)[:, None], np.arange(case.columns)
        seen = s - t <= case.seen_before
    elif case.mask == "given":
        seen = arrays[4]
    elif case.mask == "bias":
        logits = logits + arrays[4]
    logits = np.where(seen, logits, LOW)
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    found = [np.einsum(values, p, v)]
    if backward:
        dp = np.einsum(back, seed, v)
        ds = np.where(seen, p * (dp - (dp * p).sum(-1, keepdims=True)), 0) * scale
        found += [
            np.einsum(values, ds, k),
            np.einsum(over_rows, *turn(case, ds, q)),
            np.einsum(over_rows, *turn(case, p, seed)),
        ]
    return found


def labels(program):
    return [record.label for record in program.plan.launches]


def check(case: Case, backward: bool, **ways):
    arrays = arguments(case)
    with flags.override(**(ways or {"guard": 1})):
        program = build_program(written(case, backward))
        results = program(*arrays)
    names = labels(program)
    assert sum(name.startswith("attention") for name in names) == 1 + backward, names
    assert not any("product" in name for name in names), names
    for got, want in zip(results, expected(case, arrays, backward), strict=True):
        tolerance = TOLERANCE[case.dtype] * max(1.0, np.abs(want).max())
        np.testing.assert_allclose(got.astype(np.float64), want, rtol=0, atol=tolerance)


CASES = [
    Case(),
    Case(rows=37, columns=53, depth=20, width=36),
    Case(batch=1, rows=130, columns=260, depth=64, width=80, mask="causal"),
    Case(rows=70, columns=70, mask="causal", heads_first=True),
    Case(rows=40, columns=70, depth=20, width=24, turned=True),
    Case(rows=40, columns=33, depth=20, width=24, turned=True, dtype="bfloat16"),
    Case(batch=1, rows=45, columns=197, depth=64, width=64),
    Case(batch=1, rows=75, columns=300, depth=24, width=72, mask="causal"),
    Case(rows=33, columns=265, depth=17, width=20, mask="bias", heads_first=True),
    Case(rows=150, columns=150, mask="given", dtype="float64"),
    Case(rows=64, columns=129, mask="bias"),
    Case(rows=65, columns=40, depth=32, width=24, dtype="bfloat16"),
    Case(rows=40, columns=33, depth=21, width=24, dtype="bfloat16"),
    Case(rows=131, columns=261, depth=64, width=48, mask="causal", dtype="bfloat16"),
    Case(rows=16, columns=150, depth=32, width=64, dtype="bfloat16"),
    Case(rows=97, columns=17, depth=40, width=16, mask="given", dtype="bfloat16", heads_first=True),
    Case(rows=63, columns=128, depth=2, width=2, mask="bias", dtype="bfloat16"),
    Case(rows=48, columns=140, depth=24, width=40, mask="given", dtype="float16"),
]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_attention_equals_float64_numpy(case, backward):
    check(case, backward)


@pytest.mark.parametrize("case", [x for x in CASES if x.dtype == "bfloat16"], ids=str)
@RUNS_MATRICES_IN_MEMORY
def test_matrix_registers_in_memory_compute_the_values_within_their_arrays(case):
    arrays = arguments(case)
    with flags.override(guard=1, checked=1):
        program = load(plan_function(written(case, True), generator_for(MATRICES_IN_MEMORY), 1))
        results = program(*arrays)
    for got, want in zip(results, expected(case, arrays, True), strict=True):
        tolerance = TOLERANCE[case.dtype] * max(1.0, np.abs(want).max())
        np.testing.assert_allclose(got.astype(np.float64), want, rtol=0, atol=tolerance)


def test_columns_that_no_row_sees_are_not_read():
    check(Case(rows=80, columns=200, mask="causal", past=29), True, checked=1)


@pytest.mark.parametrize("target", LESSER)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_that_only_later_rows_see_get_nothing_from_earlier_ones(target, dtype):
    case = Case(2, 2, 67, 203, 17, 1, mask="causal", past=4, dtype=dtype, heads_first=True)
    arrays = arguments(case)
    function = written(case, True)
    with flags.override(guard=1):
        got = load(plan_function(function, generator_for(target), 1))(*arrays)
    for g, want in zip(got, expected(case, arrays, True), strict=True):
        np.testing.assert_allclose(g, want, rtol=0, atol=TOLERANCE[dtype] * np.abs(want).max())


def test_memory_grows_with_the_length_not_its_square():
    sizes = []
    for length in (512, 2048):
        case = Case(1, 4, length, length, 32, 32, mask="causal")
        sizes.append(build_program(written(case, True)).plan.arena_bytes)
    assert sizes[1] <= 4.5 * sizes[0]


@pytest.mark.skipif(HERE.loads_first, reason="tiles of scores read panels there")
def test_rows_of_queries_and_seeds_are_copied_once():
    form = Form(64, 64, 2, ("float",) * 4, "float", False, apart=("query", "key", "seed"))
    sections = ContextLayout(form, HERE, BACKWARD).sections(1024, 1024)
    assert sections["queries"] >= 1024 * 64
    assert sections["query"] + sections["seed"] < 1024


def test_probabilities_that_others_want_are_stored():
    p = LoweringContext()
    q, k, v = (p.parameter(i, (1, 2, 32, 16), dtypes.float32) for i in range(3))
    s = p.contract("bnth,bnsh->bnts", q, k)
    e = p.exp(p.sub(s, p.reduce_max(s, [3], keepdims=True)))
    w = p.div(e, p.reduce_sum(e, [3], keepdims=True))
    function = Function("f", (q, k, v), (p.contract("bnts,bnsh->bnth", w, v), w))
    program = build_program(function)
    assert not any(name.startswith("attention") for name in labels(program))
    x = np.random.default_rng(0).standard_normal((1, 2, 32, 16)).astype(np.float32)
    np.testing.assert_allclose(program(x, x, x)[1].sum(-1), 1, rtol=1e-5)


def test_rows_that_see_nothing_are_not_numbers():
    p = LoweringContext()
    q, k, v = (p.parameter(i, (1, 1, 32, 16), dtypes.float32) for i in range(3))
    seen = p.parameter(3, (32, 1), dtypes.bool_)
    s = p.select(
        p.broadcast_to(p.reshape(seen, (1, 1, 32, 1)), (1, 1, 32, 32)),
        p.contract("bnth,bnsh->bnts", q, k),
        -np.inf,
    )
    e = p.exp(p.sub(s, p.reduce_max(s, [3], keepdims=True)))
    w = p.div(e, p.reduce_sum(e, [3], keepdims=True))
    program = build_program(Function("f", (q, k, v, seen), (p.contract("bnts,bnsh->bnth", w, v),)))
    x = np.ones((1, 1, 32, 16), np.float32)
    see = np.arange(32)[:, None] % 2 == 0
    (got,) = program(x, x, x, see)
    assert np.isnan(got[0, 0, 1::2]).all()
    np.testing.assert_allclose(got[0, 0, ::2], 1, rtol=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_scores_that_are_also_the_values_are_stored(scaled):
    p = LoweringContext()
    x = p.parameter(0, (30, 20), dtypes.float32)
    scores = p.matmul(x, p.transpose(x, (1, 0)))
    scores = p.mul(scores, 0.1) if scaled else scores
    e = p.exp(scores - p.reduce_max(scores, (1,), keepdims=True))
    y = p.matmul(e / p.reduce_sum(e, (1,), keepdims=True), scores)
    function = p.function("f", [x], [y])
    array = np.random.default_rng(0).uniform(-1, 1, (30, 20)).astype(np.float32)
    (want,) = interpreter.run(function, [array])[0]
    np.testing.assert_allclose(build_program(function)(array)[0], want, rtol=5e-6, atol=1e-6)
