"""SavedModels and checkpoints written and read in graphs of TensorFlow 1."""

import penstock as tf

v1 = tf.compat.v1


class Scaling(tf.Module):
    def __init__(self):
        self.factor = tf.Variable([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def scale(self, x):
        return self.factor * x


def test_a_model_keeps_the_values_of_its_session(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        model = Scaling()
        session.run(model.factor.initializer)
        session.run(model.factor.assign_add([2.0, 2.0]))
        tf.saved_model.save(model, str(tmp_path))
        loaded = tf.saved_model.load(str(tmp_path))
        session.run(loaded.factor.initializer)
        assert session.run(loaded.scale(tf.constant([1.0, 10.0]))).tolist() == [3.0, 40.0]
    assert tf.saved_model.load(str(tmp_path)).factor.numpy().tolist() == [3.0, 4.0]


def test_a_status_restores_in_a_session(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        one, other = tf.Variable(1.0), tf.Variable(2.0)
        session.run(one.initializer)
        path = tf.train.Checkpoint(one=one).write(str(tmp_path / "one"))
        session.run(one.assign(5.0))
        status = tf.train.Checkpoint(one=one, other=other).read(path)
        status.initialize_or_restore(session)
        assert session.run([one, other]) == [1.0, 2.0]


def test_a_constant_that_a_function_captures_is_of_the_graph(tmp_path):
    module, factor = tf.Module(), tf.constant(2.0)
    module.f = tf.function(lambda x: x * factor, [tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.saved_model.load(str(tmp_path))
        assert session.run(loaded.f(tf.constant(3.0))) == 6.0
