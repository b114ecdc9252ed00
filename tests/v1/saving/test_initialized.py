"""Variables of compat.v1 that begin with the values of a checkpoint."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def folder(tmp_path):
    """A folder with a checkpoint of old/a and old/b."""
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("old"):
            v1.get_variable("a", initializer=[1.0, 2.0])
            v1.get_variable("b", initializer=[[3.0]])
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "ck"), global_step=3)
    return str(tmp_path)


def first_values(*variables):
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        return [value.tolist() for value in session.run(list(variables))]


def test_scopes_names_and_variables(folder):
    with tf.Graph().as_default():
        with v1.variable_scope("new"):
            a, b = v1.get_variable("a", [2]), v1.get_variable("b", [1, 1])
        z, w = v1.get_variable("z", [2]), v1.get_variable("w", [3])
        v1.train.init_from_checkpoint(folder, {"old/": "new/"})
        v1.train.init_from_checkpoint(folder + "/ck-3", {"old/a": z})
        v1.train.init_from_checkpoint(folder, {"old/a": "new/a"})
        with pytest.raises(ValueError, match="doesn't match with shape of tensor old/a"):
            v1.train.init_from_checkpoint(folder, {"old/a": w})
        with pytest.raises(ValueError, match="Tensor nope is not found"):
            v1.train.init_from_checkpoint(folder, {"nope": w})
        with pytest.raises(ValueError, match="Should be 'scope/': 'other_scope/'"):
            v1.train.init_from_checkpoint(folder, {"old": "new"})
        assert first_values(a, b, z) == [[1, 2], [[3]], [1, 2]]


def test_warm_start(folder):
    with tf.Graph().as_default():
        a, b = v1.get_variable("a", [2]), v1.get_variable("old/b", initializer=[[9.0]])
        v1.train.warm_start(folder, "a", var_name_to_prev_var_name={"a": "old/a"})
        assert first_values(a, b) == [[1, 2], [[9]]]
        v1.train.warm_start(folder, [b])
        assert first_values(a, b) == [[1, 2], [[3]]]


def test_parts_of_variables_and_eager_variables(folder):
    with tf.Graph().as_default():
        parts = v1.get_variable("p", [2], partitioner=v1.fixed_size_partitioner(2))
        v1.train.init_from_checkpoint(folder, {"old/a": "p"})
        assert first_values(*parts) == [[1], [2]]
    variable = tf.Variable([0.0, 0.0])
    v1.train.init_from_checkpoint(folder, {"old/a": variable})
    assert variable.numpy().tolist() == [1, 2]
