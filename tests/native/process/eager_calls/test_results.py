"""Results of eager calls as builtins: several outputs, what holds them, and kernels that must not run twice."""

import collections
import gc
import sys

import numpy as np
import pytest

from penstock._src.core import dispatch, dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import NEXT_ID
from penstock._src.eager.tensor import EagerTensor
from penstock._src.native.process.eager_calls.op_calls import OpForm, Surroundings, op_call
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED

pytestmark = pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")
F32, I32 = dtypes.float32, dtypes.int32
Pair = collections.namedtuple("Pair", ["values", "indices"])
X = EagerTensor(np.array([1.0, 2.0], np.float32), F32)


def call_of(function, record=dispatch.record, **options):
    fixed = {"outputs": [(F32, F32.np), (I32, I32.np)], "is_sequence": True, "container": Pair, "results": (0, 1)}  # fmt: skip
    form = OpForm("op", (F32,), {}, function, False, False, 0, **{**fixed, **options})
    around = Surroundings(X, STATE, vars(slots), "RUN_EAGERLY", slots.RUN_EAGERLY, NEXT_ID, record)
    return op_call(1, [form], around)


def test_several_outputs_come_in_a_named_tuple():
    for kind in (tuple, list):
        pair = call_of(lambda x, kind=kind: kind([x + 1, 7]))({}, X)
        assert type(pair) is Pair and pair.values.dtype is F32 and pair.indices.dtype is I32
        assert pair.values.numpy().tolist() == [2.0, 3.0] and pair.indices.numpy() == 7
        assert gc.is_tracked(pair)


@pytest.mark.parametrize("container", [Pair, tuple])
def test_no_hash_of_a_tuple_is_taken_for_computed(container):
    pair = call_of(lambda x: (x, 7), container=container)({}, X)
    with pytest.raises(TypeError, match="unhashable"):
        hash(pair)


@pytest.mark.parametrize("container", [list, tuple])
def test_results_come_in_the_order_of_the_recorded_call(container):
    call = call_of(lambda x: (x, 7), container=container, results=(1, 0, 1))
    result = call({}, X)
    assert type(result) is container and [one.dtype for one in result] == [I32, F32, I32]
    assert result[0] is result[2]


def test_one_of_several_outputs_is_the_result_and_all_are_recorded(monkeypatch):
    seen = []
    call = call_of(
        lambda x: (x, 7), lambda *parts: seen.append(parts), container=None, results=(1,)
    )
    monkeypatch.setattr(STATE, "tapes", (object(),))
    result = call({}, X)
    assert type(result) is EagerTensor and result.numpy() == 7
    assert seen[0][2][1] is result and len(seen[0][2]) == 2


def test_other_numbers_of_outputs_and_other_objects_are_left():
    for value in ((1.0,), (1.0, 2, 3), np.zeros(2, np.float32), None, ("text", 1)):
        assert call_of(lambda _, value=value: value)({}, X) is None


def test_errors_of_kernels_that_run_once_are_raised():
    runs = []

    def kernel(value):
        runs.append(value)
        raise ValueError("drawn")

    with pytest.raises(ValueError, match="drawn"):
        call_of(kernel, runs_once=True)({}, X)
    assert call_of(kernel)({}, X) is None and len(runs) == 2


def test_classes_that_hold_more_than_elements_are_refused():
    class Other(tuple):
        pass

    with pytest.raises(ValueError, match="Other"):
        call_of(lambda x: (x, 7), container=Other)
    with pytest.raises(ValueError, match="outputs"):
        call_of(lambda x: (), outputs=[])


def test_no_references_of_several_outputs_are_kept_or_lost(monkeypatch):
    monkeypatch.setattr(STATE, "tapes", (object(),))
    shared = np.zeros(3, np.float32)
    kernels = [lambda x: (shared, 7), lambda x: [shared, "text"], lambda x: (shared,)]
    calls = [call_of(kernel, lambda *_: None) for kernel in kernels]
    watched = [X, X._value, F32, I32, Pair, EagerTensor, shared, *kernels]

    def counts():
        for call in calls:
            for _ in range(1000):
                call({}, X)
        gc.collect()
        return np.array([sys.getrefcount(each) for each in watched])

    counts()
    changes = [abs(counts() - counts()) for _ in range(5)]
    assert np.min(changes, 0).max() < 100
