"""Eager calls as builtins: what they serve, what they leave to the long way, and what they record."""

import gc
import sys
import threading

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
F32 = dtypes.float32


def tensor(*values):
    return EagerTensor(np.array(values, np.float32), F32)


def form(function, inputs=1, attributes=None, **options):
    fixed = {"fills_arrays": False, "is_quiet": False, "large": 0, "outputs": [(F32, F32.np)]}
    return OpForm("op", (F32,) * inputs, attributes or {}, function, **{**fixed, **options})


def call_of(*forms, record=dispatch.record):
    around = Surroundings(  # whatever earlier tests have put in place of the executor
        tensor(1.0, 2.0), STATE, vars(slots), "RUN_EAGERLY", slots.RUN_EAGERLY, NEXT_ID, record
    )
    return op_call(len(forms[0].types), forms, around)


def test_results_are_tensors_with_numbers_of_their_own():
    call = call_of(form(np.add, 2))
    x = tensor(1.0, 2.0)
    y, z = call({}, x, x), call({}, x, x)
    assert type(y) is EagerTensor and y.dtype is F32 and y._id < z._id
    assert y.numpy().tolist() == [2.0, 4.0]


def test_scalars_become_arrays_of_the_output_dtype():
    x = EagerTensor(np.array(3.0, np.float32), F32)
    for function in (np.negative, lambda value: -3.0, lambda value: np.float64(-3.0)):
        value = call_of(form(function))({}, x)._value
        assert type(value) is np.ndarray and value.dtype == np.float32 and value == -3.0


def test_other_dtypes_attributes_counts_and_classes_are_left():
    axis = 1 << 40
    call = call_of(form(np.sin), form(np.cos, attributes={"axis": axis}))
    x = tensor(0.0)
    assert call({}, x).numpy() == 0.0 and call({"axis": axis}, x).numpy() == 1.0
    for attributes in ({"axis": 2}, {"other": axis}, {"axis": axis, "other": 1}):
        assert call(attributes, x) is None
    assert call({}, EagerTensor(np.zeros(1), dtypes.float64)) is None
    assert call({}, x, x) is None and call({}) is None
    assert call({}, 1.0) is None and call({}, np.zeros(1, np.float32)) is None

    class Other(EagerTensor):
        __slots__ = ()

    assert call({}, Other(np.zeros(1, np.float32), F32)) is None


def test_equal_attributes_of_another_type_are_left():
    call = call_of(form(np.sin, attributes={"flag": True}))
    assert call({"flag": True}, tensor(0.0)) is not None
    assert call({"flag": 1}, tensor(0.0)) is None


def test_products_of_small_matrices_skip_the_checks_of_others():
    names = []

    def named(name):
        return lambda a, b: names.append(name) or np.zeros(1, np.float32)

    call = call_of(form(named("checked"), 2, product=named("product"), most_work=24))

    def called(*shapes):
        call({}, *[EagerTensor(np.zeros(shape, np.float32), F32) for shape in shapes])
        return names.pop()

    assert called((2, 3), (3, 3)) == "product" and called((0, 3), (3, 2)) == "product"
    assert called((2, 3), (3, 4)) == "checked"  # 24 multiplications
    assert called((2, 3), (4, 3)) == "checked"  # or as many, if the second is transposed
    for shapes in [((3,), (3, 2)), ((2, 3), (3,)), ((1, 2, 3), (3, 2)), ((), ())]:
        assert called(*shapes) == "checked"


def test_large_inputs_are_left():
    call = call_of(form(np.add, 2, large=4))
    small, large = tensor(1.0, 2.0, 3.0), tensor(1.0, 2.0, 3.0, 4.0)
    assert call({}, small, small) is not None
    assert call({}, small, large) is None and call({}, large, small) is None


def test_errors_of_kernels_are_left_but_interrupts_are_raised():
    def raising(error):
        def kernel(value):
            raise error

        return call_of(form(kernel))

    assert raising(ValueError("no"))({}, tensor(1.0)) is None
    with pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())({}, tensor(1.0))


def test_graphs_and_functions_in_place_of_the_executor_are_left(monkeypatch):
    call, x = call_of(form(np.sin)), tensor(0.0)
    with dispatch.building(object()):
        assert call({}, x) is None
    assert call({}, x) is not None
    monkeypatch.setattr(slots, "RUN_EAGERLY", lambda *_: None)
    assert call({}, x) is None


def test_calls_are_recorded_while_there_are_tapes(monkeypatch):
    seen = []
    call, x = call_of(form(np.sin), record=lambda *parts: seen.append(parts)), tensor(0.0)
    call({}, x)
    monkeypatch.setattr(STATE, "tapes", (object(),))
    y = call({}, x)
    assert len(seen) == 1 and seen[0][0] == "op"
    assert seen[0][1][0] is x and seen[0][2][0] is y


def test_errors_of_what_records_are_raised(monkeypatch):
    def record(*_):
        raise LookupError("no tape")

    call = call_of(form(np.sin), record=record)
    monkeypatch.setattr(STATE, "accumulators", (object(),))
    with pytest.raises(LookupError, match="no tape"):
        call({}, tensor(0.0))


@pytest.mark.filterwarnings("error")
def test_numpy_does_not_warn_and_a_context_that_is_entered_is_left():
    call, x = call_of(form(np.log, is_quiet=True)), tensor(-1.0, 0.0)
    assert np.isneginf(call({}, x).numpy()[1])
    assert STATE.quiet_context.run(call, {}, x) is None
    found = []
    thread = threading.Thread(target=lambda: found.append(call({}, x)))
    thread.start()
    thread.join()
    assert np.isneginf(found[0].numpy()[1])


def test_no_references_are_kept_or_lost(monkeypatch):
    monkeypatch.setattr(STATE, "tapes", (object(),))
    kernels = [np.sin, lambda value: 1.0, lambda value: {}[0]]
    calls = [call_of(form(kernel), record=lambda *_: None) for kernel in kernels]
    x = tensor(0.5, 0.25)
    watched = [x, x._value, F32, F32.np, None, calls, EagerTensor, STATE.quiet_context, *kernels]
    attributes = {}

    def work():
        for call in calls:
            for _ in range(1000):
                call(attributes, x)

    def counts():
        work()
        gc.collect()
        return np.array([sys.getrefcount(each) for each in watched])

    work()
    # What is lost is lost each time; threads of other tests use None and dtypes as well, now and then.
    changes = [abs(counts() - counts()) for _ in range(5)]
    assert np.min(changes, 0).max() < 100
