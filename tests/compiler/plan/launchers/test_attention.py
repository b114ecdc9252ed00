"""How attention's rows are shared out, and what its launches are given."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.compiler.plan.launchers.attention import LEAST_CHUNK, _chunks
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import DEVICE, build_program
from penstock._src.ir.function import Function

F32 = dtypes.float32


@pytest.mark.parametrize(
    ("rows", "batches", "threads", "expected"),
    [
        (1000, [2, 3], 1, (1024, 1)),  # one thread has no one to share with
        (1000, [], 1, (1024, 1)),
        (4096, [4], 2, (2048, 2)),  # eight tasks, four for each thread
        (4096, [1], 2, (512, 8)),
        (4096, [3], 2, (1408, 3)),
        (4096, [100], 4, (4096, 1)),
        (512, [1], 8, (LEAST_CHUNK, 2)),  # none too small
        (100, [0], 2, (LEAST_CHUNK, 1)),
        (0, [1], 2, (LEAST_CHUNK, 1)),
    ],
)
def test_rows_are_shared_out(rows, batches, threads, expected):
    assert _chunks(rows, batches, threads) == expected


def attention(rows, backward):
    """The function of an attention, and of its gradients by a seed that a kernel makes."""
    p = LoweringContext()
    lengths = rows, 48, 48, rows
    q, k, v, x = (p.parameter(i, (2, 3, length, 16), F32) for i, length in enumerate(lengths))
    logits = p.mul(p.contract("bnth,bnsh->bnts", q, k), 0.25)
    e = p.exp(p.sub(logits, p.reduce_max(logits, [3], keepdims=True)))
    weights = p.div(e, p.reduce_sum(e, [3], keepdims=True))
    output = p.contract("bnts,bnsd->bntd", weights, v)
    results = [output]
    if backward:
        seed = p.reverse(p.exp(output + x), (2,))
        dv = p.contract("bnts,bntd->bnsd", weights, seed)
        dp = p.contract("bntd,bnsd->bnts", seed, v)
        shares = p.reduce_sum(p.mul(dp, weights), [3], keepdims=True)
        ds = p.mul(p.mul(p.sub(dp, shares), weights), 0.25)
        results += [p.contract("bnts,bnsd->bntd", ds, k), p.contract("bnts,bntd->bnsd", ds, q), dv]
    return Function("attention", (q, k, v, x), tuple(results))


def launches(function):
    plan = plan_function(function, DEVICE.generator, 1)
    return [r for r in plan.launches if isinstance(r, Launch) and r.label.startswith("attention")]


def test_what_only_the_backward_pass_reads_needs_no_memory_in_the_forward_pass():
    forward, backward = launches(attention(64, True))
    assert (forward.tasks, backward.tasks) == (6, 6)
    (scratch,) = [word for word in forward.args if getattr(word, "name", "") == "scratch"]
    (seed,) = [
        word
        for word in backward.args
        if isinstance(word, Buffer) and word.place == "arena" and word.name != "scratch"
        if not any(word is other for other in forward.args)
    ]
    assert seed.first > scratch.first


@pytest.mark.parametrize("backward", [False, True])
def test_attention_without_rows_launches_nothing(backward):
    function = attention(0, backward)
    assert not launches(function)
    arrays = [np.ones((2, 3, length, 16), np.float32) for length in (0, 48, 48, 0)]
    results = build_program(function)(*arrays)
    assert results[0].shape == (2, 3, 0, 16)
    if backward:
        for gradient in results[2:]:
            np.testing.assert_array_equal(gradient, np.zeros((2, 3, 48, 16)))
