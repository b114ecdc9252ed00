"""Variables of graphs that TensorFlow 1 made as references, and those that stand for them."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.proto.saved import VariableDef
from penstock._src.v1.variables.reference import ReferenceVariable

v1 = tf.compat.v1
raw = tf.raw_ops


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


def reference(value):
    """A variable of the operations that TensorFlow's reference variables have."""
    value = tf.constant(value, name="initial_value")
    ref = raw.VariableV2(shape=value.shape, dtype=value.dtype, name="w")
    raw.Assign(ref=ref, value=value, name="w/Assign")
    raw.Identity(input=ref, name="w/read")
    return v1.Variable(
        variable_def=VariableDef(
            variable_name="w:0",
            initializer_name="w/Assign",
            initial_value_name="initial_value:0",
            snapshot_name="w/read:0",
            trainable=True,
        )
    )


def test_references_are_read_and_assigned(session, tmp_path):
    w = reference([1.0, 2.0])
    session.run(w.initializer)
    assert session.run(w.assign_add([1.0, 1.0])).tolist() == [2, 3]
    session.run(w.assign_sub([0.5, 0.5], read_value=False))
    assert session.run(["w:0", w * 2.0, w.is_initialized()])[1].tolist() == [3, 5]
    saver = v1.train.Saver([w])
    path = saver.save(session, str(tmp_path / "new" / "c"))
    session.run(w.assign([0.0, 0.0]))
    saver.restore(session, path)
    assert session.run(w).tolist() == [1.5, 2.5]
    assert not w.to_proto().is_resource


def test_references_train_beside_compiled_operations(session):
    w = reference([[1.0], [2.0]])
    x = v1.placeholder(tf.float32, [None, 2])
    loss = tf.reduce_sum(tf.matmul(x, w))
    (gradient,) = v1.gradients(loss, [w])
    step = raw.ApplyGradientDescent(var=w.handle, alpha=0.5, delta=gradient * 2.0)
    session.run(w.initializer)
    for _ in range(2):
        session.run(step, {x: [[1.0, 2.0]]})
    assert session.run("w:0").tolist() == [[-1.0], [-2.0]]


def test_graphs_with_references_are_imported_and_exported(session, tmp_path):
    w = reference([1.0])
    for key in ("variables", "trainable_variables"):
        v1.add_to_collection(key, w)
    session.run(w.initializer)
    session.run(w.assign([7.0]))
    path = v1.train.Saver().save(session, str(tmp_path / "c"))
    with tf.Graph().as_default(), v1.Session() as other:
        v1.train.import_meta_graph(path + ".meta").restore(other, path)
        (found,) = v1.trainable_variables()
        assert isinstance(found, ReferenceVariable)
        assert other.run(found).tolist() == [7.0]


BRANCHES = {
    "cond": lambda which, *branches: v1.cond(which, *branches),
    "case": lambda which, yes, no: v1.case([(which, yes)], default=no),
    "switch_case": lambda which, yes, no: tf.switch_case(1 - tf.cast(which, tf.int32), [yes, no]),
}


@pytest.mark.parametrize("kind", BRANCHES)
def test_references_are_assigned_in_branches(session, kind):
    which = v1.placeholder(tf.bool, [])
    w = v1.get_variable("w", initializer=1.0, use_resource=False)
    result = BRANCHES[kind](which, lambda: w.assign_add(2.0), lambda: v1.assign_sub(w, 5.0))
    session.run(w.initializer)
    assert session.run(result, {which: True}) == session.run(w) == 3.0
    assert session.run(result, {which: False}) == session.run(w) == -2.0


@pytest.mark.parametrize("use_resource, gives_value", [(False, True), (True, False)])
def test_names_of_variables_fetch_their_values(session, use_resource, gives_value):
    with v1.variable_scope("s", use_resource=use_resource):
        v1.get_variable("a", initializer=[1.0, 2.0])
    session.run(v1.global_variables_initializer())
    found = session.run("s/a:0")
    assert isinstance(found, np.ndarray) is gives_value
    if gives_value:
        assert found.tolist() == [1, 2]
        found[0] = 5  # a copy
        assert session.run("s/a:0").tolist() == [1, 2]


def test_the_default_is_switched(session):
    assert v1.resource_variables_enabled()
    v1.disable_resource_variables()
    try:
        assert not v1.resource_variables_enabled()
        v1.get_variable("a", initializer=3.0)
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
            session.run("a:0")
        session.run(v1.global_variables_initializer())
        assert session.run("a:0") == 3.0
    finally:
        v1.enable_resource_variables()
