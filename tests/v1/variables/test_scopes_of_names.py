"""Scopes of variables: names, nesting, stores."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops import state_ops, variable_scope

v1 = tf.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_without_a_name_scope_the_scope_keeps_the_current_one():
    with tf.name_scope("outer"):
        with v1.variable_scope("inner", auxiliary_name_scope=False) as scope:
            assert scope.original_name_scope == "outer/"
            assert tf.constant(1, name="c").name == "outer/c:0"
            assert v1.get_variable("w", []).name == "inner/w:0"
    with pytest.raises(TypeError, match="auxiliary_name_scope"):
        v1.variable_scope("s", auxiliary_name_scope="no")


def test_scopes_end_in_order():
    inner = v1.variable_scope("a")
    inner.__enter__()
    with v1.variable_scope("b"):
        with pytest.raises(RuntimeError, match="Improper nesting"):
            inner.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    creator = v1.variable_creator_scope(lambda make, **given: make(**given))
    creator.__enter__()
    with v1.variable_creator_scope(lambda make, **given: make(**given)):
        with pytest.raises(RuntimeError, match="without proper nesting"):
            creator.__exit__(None, None, None)
    tf.Graph()._variable_creator_stack = []


def test_getters_run_without_name_scopes_and_must_be_callable():
    def getter(getter, *args, **kwargs):
        return tf.identity(getter(*args, **kwargs), name="read")

    with v1.variable_scope("s", custom_getter=getter):
        assert v1.get_variable("v", [1]).name == "read:0"
    with pytest.raises(ValueError, match="custom_getter which is not callable: 3"):
        v1.get_variable("w", [1], custom_getter=3)


def test_a_value_is_of_the_explicit_type():
    with pytest.raises(ValueError, match="Initializer type .* don't match"):
        v1.get_variable("v", initializer=tf.constant(1), dtype=tf.float64)


def test_partitions_of_a_value_take_its_type():
    parts = v1.create_partitioned_variables([4], [2], tf.constant([1, 2, 3, 4]))
    assert [part.dtype for part in parts] == [tf.int32, tf.int32]
    with v1.variable_scope("s", partitioner=v1.fixed_size_partitioner(2)):
        made = v1.get_variable("v", [4, 2])
    with v1.variable_scope("s", reuse=True):
        assert v1.get_variable("v") is made
    with pytest.raises(ValueError, match="Expected 0 <= offset < shape"):
        variable_scope._PartitionInfo([1, 1], [0, 1])


def test_the_name_of_a_root_scope_begins_with_a_letter():
    with pytest.raises(ValueError, match="'_' is not a valid root scope name"):
        with tf.name_scope("_"):
            pass
    with tf.name_scope("a"), tf.name_scope("_b"):
        assert tf.constant(1, name="c").name == "a/_b/c:0"
        with pytest.raises(ValueError, match="'x y' is not a valid scope name"):
            with tf.name_scope("x y"):
                pass


def test_stores_keep_eager_variables():
    with tf.init_scope(), tf.Graph().as_default(), variable_scope_eagerly():
        store = variable_scope.EagerVariableStore()
        with store.as_default():
            v = v1.get_variable("v", [], trainable=False)
            assert v1.get_variable("v") is v
        assert store.non_trainable_variables() == [v] and store.trainable_variables() == []
        copied = store.copy()
        v.assign(7.0)
        assert copied.variables()[0].numpy() != 7.0


def variable_scope_eagerly():
    return tf.__internal__.eager_context.eager_mode()


class OtherStore:
    """A store of another library, such as those of Keras 2 for code of TensorFlow 1 in its layers."""

    _store_eager_variables = True

    def __init__(self):
        self._vars, self.options = {}, []

    def get_variable(self, name, shape=None, reuse=None, **options):
        self.options.append((name, reuse, options["regularizer"]))
        return self._vars.setdefault(name, tf.Variable(tf.zeros(shape), name=name))


def test_stores_of_other_libraries_make_eager_variables():
    with tf.init_scope(), tf.Graph().as_default(), variable_scope_eagerly():
        store = OtherStore()
        with variable_scope.with_variable_store(store):
            with v1.variable_scope("s", regularizer=tf.nn.l2_loss):
                v = v1.get_variable("v", [2])
            assert v1.get_variable("s/v", [2]) is v and store._vars == {"s/v": v}
    assert store.options[0] == ("s/v", v1.AUTO_REUSE, tf.nn.l2_loss)


def test_functions_with_their_own_store_refuse_to_reuse():
    def build(case):
        v1.get_variable("v", [1])
        with pytest.raises(ValueError, match="already exists"):
            v1.get_variable("v", [1])
        return case

    assert v1.wrap_function(build, ["as it is"]) is not None


def test_references_are_assigned():
    ref = state_ops.variable_op([1, 2], tf.float32)
    assert state_ops.variable_op([1, 2], tf.float32, set_shape=False).shape.rank is None
    assigned, added = v1.assign(ref, [[4, 5]]), v1.assign_add(ref, [[1, 1]])
    with v1.Session() as session:
        assert not session.run(v1.is_variable_initialized(ref))
        session.run(assigned)
        assert session.run(added).tolist() == [[5, 6]] and session.run(ref).tolist() == [[5, 6]]


def test_temporary_variables_have_names():
    made = tf.raw_ops.TemporaryVariable(shape=[1], dtype=tf.float32, var_name="t")
    value = v1.assign_add(v1.assign(made, [2.0]), [3.0])
    taken = tf.raw_ops.DestroyTemporaryVariable(ref=value, var_name="t")
    other = tf.raw_ops.DestroyTemporaryVariable(ref=made, var_name="other")
    again = tf.raw_ops.TemporaryVariable(shape=[1], dtype=tf.float32, var_name="t")
    with v1.Session() as session:
        assert session.run(taken).tolist() == [5.0]
        with pytest.raises(tf.errors.NotFoundError):
            session.run(other)
        with pytest.raises(tf.errors.AlreadyExistsError):
            session.run(made + again)
