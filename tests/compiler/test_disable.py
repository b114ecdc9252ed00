"""What PENSTOCK_DISABLE may name: every name changes the plan of some function, and no other name is taken."""

from types import SimpleNamespace

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import compile_function
from penstock._src.core import dtypes
from penstock._src.util import flags
from tests.compiler.passes.test_shared_heads import attention_with_gradients

F32 = dtypes.float32


def simplify(p):
    x = p.parameter(0, (8,), F32)
    p.check(p.constant(True), "holds")
    return [x], [x + 1.0]


def loops(p):
    x, w = p.parameter(0, (5, 1, 8), F32), p.parameter(1, (8, 8), F32)

    def body(i, h):
        row = p.reshape(p.dynamic_index(x, i), (1, 8))
        return [p.add(i, 1), p.tanh(h + p.matmul(row, w))]

    first = [p.constant(np.int32(0)), p.full((1, 8), 0, F32)]
    return [x, w], [p.while_(lambda i, h: p.lt(i, 5), body, first)[1]]


def weights(p):
    x, numbers = p.parameter(0, (9, 40), F32), np.arange(1200, dtype=np.int8).reshape(40, 30)
    return [x], [p.matmul(x, p.cast(p.constant(numbers), F32) * 0.5)]


def products(p):
    x, y = p.parameter(0, (40, 200), F32), p.parameter(1, (40, 160), F32)
    z = p.parameter(2, (160, 3), F32)
    return [x, y, z], [p.matmul(p.contract("tm,tn->mn", x, y), z)]


def attention(p):
    q, k, v = (p.parameter(i, (2, 32, 16), F32) for i in range(3))
    scores = p.contract("btw,bsw->bts", q, k)
    e = p.exp(scores - p.reduce_max(scores, (2,), keepdims=True))
    return [q, k, v], [p.contract("bts,bsw->btw", e / p.reduce_sum(e, (2,), keepdims=True), v)]


def heads(p):
    """Gradients of an attention in which two heads of queries share a head of keys and values."""
    query, seed = (p.parameter(i, (3, 2, 20, 8), F32) for i in (0, 1))
    key, value = (p.parameter(i, (3, 24, 8), F32) for i in (2, 3))
    return [query, seed, key, value], attention_with_gradients(p, query, key, value, seed)


def contractions(p):
    x, w = p.parameter(0, (9, 40), F32), p.parameter(1, (40, 30), F32)
    return [x, w], [p.matmul(x, w)]


def epilogues(p):
    x, w = p.parameter(0, (9, 40), F32), p.parameter(1, (40, 30), F32)
    return [x, w], [p.maximum(p.matmul(x, w), 0.0)]


def rows(p):
    x = p.parameter(0, (9, 40), F32)
    return [x], [p.transpose(x / p.reduce_sum(x, (1,), keepdims=True), (1, 0))]


def merge(p):
    x, y = p.parameter(0, (9, 40), F32), p.parameter(1, (9, 40), F32)
    return [x, y], [p.sin(x) + y, x * y]


def winograd(p):
    x, w = p.parameter(0, (4, 12, 12, 32), F32), p.parameter(1, (3, 3, 32, 32), F32)
    windows = p.windows(x, (1, 2), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1))
    return [x, w], [p.contract("nxycij,ijco->nxyo", windows, w)]


def widening(p):
    x = p.parameter(0, (4, 12, 12, 64), dtypes.int8)
    w = p.parameter(1, (), dtypes.resource, variable=((3, 3, 64, 64), dtypes.int8))
    wide = p.cast(x, dtypes.int32)
    windows = p.windows(wide, (1, 2), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1))
    weights = p.cast(p.read_variable(w), dtypes.int32)
    return [x, w], [p.contract("nxycij,ijco->nxyo", windows, weights)]


def streams(p):
    x = [p.parameter(i, (9, 40), F32) for i in range(2)]
    w = p.parameter(2, (40, 30), F32)
    products = []
    for number, one in enumerate(x):
        p.builder.origin = SimpleNamespace(device=f"/device:CPU:{number}")
        products.append(p.matmul(one, w))
    p.builder.origin = None
    return [*x, w], [p.add(*products)]


def packed(p):
    x = p.parameter(0, (2, 64), F32)
    w = p.parameter(1, (30, 36), dtypes.uint8)
    return [x, w], [p.contract("mk,nk->mn", x, p.unpack(w, "Q4_0"))]


CASES = [
    simplify,
    loops,
    products,
    weights,
    attention,
    heads,
    contractions,
    epilogues,
    streams,
    rows,
    merge,
    packed,
    widening,
    winograd,
]


def plan_of(make):
    """What the plan of a function consists of."""
    p = LoweringContext()
    function = p.function(make.__name__, *make(p))
    plan = compile_function(function).program.plan
    labels = [getattr(record, "label", "") for record in plan.launches]
    return len(plan.conditions), labels, plan.algorithms


def test_every_name_has_a_case():
    assert {make.__name__ for make in CASES} == set(flags.OPTIONAL)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_every_name_does_something(make):
    whole = plan_of(make)
    with flags.override(disable=make.__name__):
        assert plan_of(make) != whole
    others = ",".join(name for name in flags.OPTIONAL if name != make.__name__)
    with flags.override(disable=others):
        plan_of(make)


def test_an_unknown_name_is_ignored_with_a_warning_that_lists_those_there_are(monkeypatch):
    monkeypatch.setenv("PENSTOCK_DISABLE", "merge, atention")
    with pytest.warns(RuntimeWarning, match="no 'atention'.*attention.*simplify, loops"):
        assert flags.TABLE["disable"].read() == {"merge"}
