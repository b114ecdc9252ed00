"""What a variable is made of and what is scattered into it, and what TensorFlow refuses."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.api import variables
from penstock._src.core import dispatch
from penstock._src.core.calls import op_callbacks
from penstock._src.core.registry import raw
from penstock._src.eager import execute, variable, variable_handle
from penstock._src.eager.variable_spec import VariableSpec
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"shape": [3]}, "not compatible with the explicitly supplied"),
        ({"name": 1}, "must be a string"),
        ({"aggregation": "x"}, "Invalid variable aggregation mode"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tf.Variable([1.0, 2.0], **arguments)


def test_variables_synchronized_on_reading_are_not_trained():
    on_read = tf.VariableSynchronization.ON_READ
    assert not tf.Variable(1.0, synchronization=on_read).trainable
    assert tf.Variable(1.0, synchronization=on_read, trainable=True).trainable


@pytest.mark.parametrize("method", ["add", "sub", "min", "max", "update"])
def test_index_vectors_are_no_longer_than_the_rank(method):
    variable = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="inner dimension"):
        getattr(variable, f"scatter_nd_{method}")([[0, 0]], [1.0])


def test_assigned_shapes_are_checked_when_functions_run():
    fixed, free = tf.Variable([1.0, 1.0]), tf.Variable([1.0], shape=tf.TensorShape([None]))
    unknown = [tf.TensorSpec(None)]
    assign = tf.function(lambda x: fixed.assign(x), input_signature=unknown)
    assert assign(tf.constant([2.0, 3.0])).numpy().tolist() == [2.0, 3.0]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected \[2\] got \[3\]"):
        assign(tf.zeros([3]))
    assert fixed.numpy().tolist() == [2.0, 3.0]
    tf.function(lambda x: free.assign(x), input_signature=unknown)(tf.zeros([3]))
    assert free.numpy().tolist() == [0.0, 0.0, 0.0]


def test_variables_of_other_graphs_are_assigned_in_their_own():
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        variable = v1.Variable(1.0)
    with tf.Graph().as_default():
        assigned = [variable.assign(2.0), variable.assign_add(1.0), variable.assign_sub(1.0)]
    assert all(one.op.graph is graph for one in assigned)


def test_variables_of_one_call():
    @tf.function
    def function(x):
        variable = tf.Variable(3, experimental_enable_variable_lifting=False)
        variable.assign_add(x)
        return variable.read_value()

    assert [int(function(tf.constant(n))) for n in (5, 5, 6)] == [8, 8, 9]
    assert function.experimental_get_tracing_count() == 1


def test_the_array_of_a_value_read_without_a_copy_can_be_written_to():
    variable = tf.Variable([1.0, 2.0])  # OpenVINO's converter shares the array
    value = variable.read_value_no_copy()
    value.__array__()[0] = 5.0
    assert variable.numpy().tolist() == [1.0, 2.0] and "device:CPU" in value.device


def test_a_spec_describes_variables():
    variable = tf.Variable([1.0, 2.0], trainable=False)
    spec = VariableSpec.from_value(variable)
    assert spec == VariableSpec([2], tf.float32, trainable=False)
    assert spec.is_compatible_with(variable) and VariableSpec([2]) != spec
    assert not spec.is_compatible_with(tf.Variable([1.0, 2.0]))
    assert not spec.is_compatible_with(VariableSpec([2], trainable=False, alias_id=1))
    assert spec.to_tensors(variable)[0] is variable.handle
    assert spec.cast(variable, None) is variable
    with pytest.raises(TypeError, match="Can not cast"):
        spec.cast(tf.constant([1.0, 2.0]), None)


def test_specs_with_and_without_numbers_are_not_compared():
    plain, numbered = VariableSpec([None]), VariableSpec([2], alias_id=0)
    assert VariableSpec([2]).is_subtype_of(plain) and not plain.is_subtype_of(VariableSpec([2]))
    assert VariableSpec([2]).most_specific_common_supertype([VariableSpec([3])]) == plain
    with pytest.raises(NotImplementedError, match="alias_id=None"):
        plain.is_subtype_of(numbered)
    with pytest.raises(NotImplementedError, match="alias_id=None"):
        numbered.most_specific_common_supertype([plain])


def test_a_spec_makes_a_variable_of_a_handle():
    variable = tf.Variable([1.0, 2.0])
    made = VariableSpec([2])._from_components([variable.handle])
    made.assign_add([1.0, 1.0])
    assert variable.numpy().tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="expected the handle"):
        VariableSpec([2])._from_components([tf.constant(1.0)])
    with pytest.raises(ValueError, match="only component"):
        VariableSpec([2])._from_components([])


def test_arguments_of_version_1_are_accepted_and_others_are_not():
    assert bool(tf.Variable(True, use_resource=True, collections=["a"]))
    with pytest.raises(TypeError, match="trainabel"):
        tf.Variable(1.0, trainabel=False)


def test_classes_over_variables_use_what_variables_have_for_them():
    class Doubled(tf.Variable):
        def __init__(self, inner):
            self._inner = inner

        @property
        def shape(self):
            return self._inner.shape

        dtype = property(lambda self: self._inner.dtype)

        def value(self):
            return 2 * self._inner._dense_var_to_tensor(dtype=tf.float32)

    Doubled._OverloadAllOperators()
    inner = tf.Variable([[1.0, 2.0]])
    assert (Doubled(inner) + 1.0).numpy().tolist() == [[3.0, 5.0]]
    assert inner._shape_tuple() == (1, 2)
    assert tf.stop_gradient(inner).numpy().tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="Incompatible type conversion requested to type int32"):
        inner._dense_var_to_tensor(tf.int32)


@pytest.mark.parametrize("statement", ["v += 1.0", "v -= 1.0", "v *= 2.0", "v /= 2.0", "v **= 2.0"])
def test_operators_in_place_are_refused(statement):
    names = {"v": tf.Variable(3.0)}
    with pytest.raises(RuntimeError, match="is not supported. Use `variable.assign"):
        exec(statement, names)
    assert names["v"].numpy() == 3.0


def test_classes_are_no_tensors():
    assert not any(map(tf.is_tensor, [tf.Variable, tf.RaggedTensor, tf.SparseTensor, tf.Tensor]))


def test_a_matrix_is_printed_on_lines_of_its_own():
    assert repr(tf.Variable([[1.0], [2.0]])) == (
        "<tf.Variable 'Variable:0' shape=(2, 1) dtype=float32, numpy=\n"
        "array([[1.],\n       [2.]], dtype=float32)>"
    )


def test_the_result_of_an_assignment_is_an_unread_variable():
    variable = tf.Variable(1.0)
    result = variable.assign_add(1.0)
    assert repr(result) == "<tf.Variable 'UnreadVariable' shape=() dtype=float32, numpy=2.0>"
    assert type(result).__name__ == "_UnreadVariable"
    assert result is not variable
    assert result.handle is variable.handle
    for _ in range(3):
        result = result.assign_sub(0.5)
    assert result._original is variable  # no chain
    assert variable.numpy() == 0.5
    with pytest.raises(AttributeError, match="unknown_name"):
        result.unknown_name  # noqa: B018


def test_the_result_of_an_assignment_has_the_gradient_of_the_variable():
    variable = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        result = variable.assign(3.0)
        squared = result * result
    assert tape.gradient(squared, variable).numpy() == 6.0


def test_eager_assignments_run_no_op_that_nothing_sees(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("an op runs")

    # Whatever earlier tests have put in its place.
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute.execute)
    monkeypatch.setattr(dispatch, "OBSERVED", [])
    whole, rows = tf.Variable(3, dtype=tf.int32), tf.Variable([1.0, 2.0])
    for name in ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
        monkeypatch.setattr(raw, name, refuse)
    assert whole.assign_add(2).numpy() == 5 and whole.assign_sub(7).numpy() == -2
    assert rows.assign_add(tf.constant([1.0, 0.5])).numpy().tolist() == [2.0, 2.5]
    assert rows.assign([4.0, 5.0]).numpy().tolist() == [4.0, 5.0]
    assert whole.assign(2**31 - 1).assign_add(1).numpy() == -(2**31)


def test_callbacks_of_ops_see_eager_assignments():
    seen = []
    variable = tf.Variable(1.0)
    op_callbacks.add(callback := lambda op_type, *_args, **_kwargs: seen.append(op_type))
    try:
        variable.assign(2.0)
        variable.assign_add(1.0)
        variable.assign_sub(1)
    finally:
        op_callbacks.remove(callback)
    assert [name for name in seen if name.startswith("Assign")] == [
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSubVariableOp",
    ]
    assert variable.numpy() == 2.0


@pytest.fixture
def natively(monkeypatch):
    """Native code makes the calls of variables, without what earlier tests have put in place of the executor."""
    if FREE_THREADED:
        pytest.skip("calls are served by one thread at a time")
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute.execute)
    calls = variable_handle._QuickCalls()
    calls.serve(*variable_handle.QUICK.classes)
    calls._load()
    for module in (variable, variables, variable_handle):
        monkeypatch.setattr(module, "QUICK", calls)


def test_native_updates_of_several_threads_are_not_lost_beside_programs(natively):
    total, one = tf.Variable(np.zeros(500, np.float32)), tf.ones([500])
    add = tf.function(lambda: total.assign_add(one))
    add()
    torn = []

    def run(call):
        for _ in range(300):
            call()

    def read():
        value = total.value().numpy()
        if value.min() != value.max():
            torn.append(value)

    calls = (lambda: total.assign_add(one), lambda: total.assign_sub(-one), add, read)
    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn and set(total.numpy().tolist()) == {901.0}


def test_native_updates_are_seen_by_programs(natively):
    weights = tf.Variable(np.ones((64, 64), np.float32))
    product = tf.function(lambda x: x @ weights)
    row, one = tf.ones([1, 64]), tf.ones([64, 64])
    for step in range(1, 6):
        assert set(product(row).numpy()[0].tolist()) == {64.0 * step}
        weights.assign_add(one)


def test_results_of_native_assignments_are_variables(natively):
    total = tf.Variable([1.0])
    result = total.assign_add([1.0]).assign_sub(tf.constant([0.5]))
    assert isinstance(result, tf.Variable) and result.numpy() == [1.5]
    assert total.assign(tf.constant([2.0]), read_value=False) is None
    assert result.numpy() == [2.0] and result.shape == [1]
    with pytest.raises(ValueError, match="Shape mismatch"):
        total.assign(tf.zeros([2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be equal"):
        total.assign_add(tf.zeros([2]))
    with pytest.raises(ValueError, match="dtype"):
        total.assign_add(tf.zeros([1], tf.float64))
    assert total.numpy() == [2.0]


def test_checks_of_numbers_look_at_native_calls(natively):
    total = tf.Variable(1.0)
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match="Detected"):
            tf.math.log(total.assign_sub(2.0))
    finally:
        tf.debugging.disable_check_numerics()


@pytest.mark.parametrize("wrap", [tf.function, lambda f: f])
@pytest.mark.parametrize("update", ["assign_add", "assign_sub"])
@pytest.mark.parametrize("value", [True, "a"])
def test_what_does_not_add_is_refused(wrap, update, value):
    variable = tf.Variable([value])
    with pytest.raises(tf.errors.InvalidArgumentError, match="No OpKernel was registered"):
        wrap(lambda: getattr(variable, update)([value]))()
