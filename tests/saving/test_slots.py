"""Checkpoints of TensorFlow 1's optimizers by objects: slots are restored in every order."""

import pytest

import penstock as tf
from penstock._src.bridge.python.checkpoint import checkpoint as internals

train = tf.compat.v1.train


def model(value=0.0):
    made = tf.Module()
    made.v = tf.Variable(value, name="v")
    made.rule = train.AdamOptimizer(0.1)
    return made


def step(made):
    made.rule.minimize(lambda: made.v**2, var_list=[made.v])


@pytest.fixture
def saved(tmp_path):
    made = model(3.0)
    step(made)
    path = tf.train.Checkpoint(made).write(str(tmp_path / "c"))
    step(made)
    return path, float(made.v)


def test_keys_are_those_of_tensorflow(saved):
    names = {name for name, _ in tf.train.list_variables(saved[0])}
    assert "v/.OPTIMIZER_SLOT/rule/m/.ATTRIBUTES/VARIABLE_VALUE" in names
    assert "rule/beta1_power/.ATTRIBUTES/VARIABLE_VALUE" in names
    graph = internals.object_metadata(saved[0])
    slots = [slot.slot_name for node in graph.nodes for slot in node.slot_variables]
    assert sorted(slots) == ["m", "v"]


@pytest.mark.parametrize(
    "order", ["both first", "optimizer later", "variable later", "after a step"]
)
def test_training_goes_on_where_it_was(saved, order):
    path, expected = saved
    made = model()
    if order == "after a step":
        step(made)
        tf.train.Checkpoint(made).restore(path).assert_consumed()
    elif order == "both first":
        tf.train.Checkpoint(made).restore(path)
    else:
        late = tf.Module()
        status = tf.train.Checkpoint(late).restore(path)
        names = ["v", "rule"] if order == "optimizer later" else ["rule", "v"]
        for name in names:
            setattr(late, name, getattr(made, name))
        del status
    step(made)
    assert float(made.v) == pytest.approx(expected)


def test_objects_are_listed_with_slots():
    made = model()
    step(made)
    assert sum(isinstance(x, tf.Variable) for x in internals.list_objects(made)) == 5


def test_optimizers_of_graphs_are_restored_when_they_are_made(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        first = model(3.0)
        update = first.rule.minimize(first.v**2)
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(update)
        path = tf.train.Checkpoint(first).write(str(tmp_path / "c"))
        second = model()
        status = tf.train.Checkpoint(second).read(path)
        update = second.rule.minimize(second.v**2)
        status.assert_consumed().run_restore_ops()
        powers = second.rule._get_beta_accumulators()
        assert session.run([second.v, *powers]) == session.run(
            [first.v, *first.rule._get_beta_accumulators()]
        )
        session.run(update)


def test_a_root_is_a_dependency_of_its_checkpoint():
    root = model()
    checkpoint = tf.train.Checkpoint(root=root, other=tf.Variable(1))
    assert checkpoint.root is root
    assert {"root", "other"} <= set(checkpoint._trackable_children())
    assert any(held is root.v for held in internals.list_objects(checkpoint))


class OptimizerOfKeras2(tf.__internal__.tracking.Trackable):
    """Makes slots as Keras 2's optimizers do: when a step needs them, or when a restoration asks for them."""

    def __init__(self):
        self._held, self._waiting = {}, {}

    def get_slot_names(self):
        return ["m"]

    def get_slot(self, variable, name):
        return self._held[variable.ref()][name]

    def add_slot(self, variable, initializer=None):
        if variable.ref() not in self._held:
            made = tf.Variable(initializer or tf.zeros_like(variable), trainable=False)
            self._held[variable.ref()] = {"m": made}
            for position in self._waiting.pop(variable.ref(), ()):
                position.restore(made)
        return self._held[variable.ref()]["m"]

    def _create_or_restore_slot_variable(self, slot_variable_position, slot_name, variable):
        assert slot_name == "m" and slot_variable_position.is_simple_variable()
        assert slot_variable_position.value_shape() == variable.shape
        if tf.executing_eagerly():
            initial = tf.__internal__.tracking.CheckpointInitialValueCallable(
                checkpoint_position=slot_variable_position
            )
            return self.add_slot(variable, initial)
        self._waiting.setdefault(variable.ref(), []).append(slot_variable_position)
        return None


@pytest.mark.parametrize("step_first", [True, False])
def test_slots_of_keras_2_are_saved_and_restored(tmp_path, step_first):
    def model():
        return tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), optimizer=OptimizerOfKeras2())

    saved = model()
    saved.optimizer.add_slot(saved.v).assign([3.0, 4.0])
    path = saved.write(str(tmp_path / "c"))
    keys = [name for name, _ in tf.train.list_variables(path)]
    assert "v/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE" in keys
    found = model()
    if step_first:
        found.optimizer.add_slot(found.v)
    found.read(path).assert_consumed()
    assert found.optimizer.get_slot(found.v, "m").numpy().tolist() == [3.0, 4.0]


def test_slots_of_keras_2_that_functions_make_are_restored(tmp_path):
    saved = tf.train.Checkpoint(v=tf.Variable([1.0]), optimizer=OptimizerOfKeras2())
    saved.optimizer.add_slot(saved.v).assign([3.0])
    path = saved.write(str(tmp_path / "c"))
    optimizer, found = OptimizerOfKeras2(), tf.train.Checkpoint()
    found.read(path)

    @tf.function
    def step():
        if found.__dict__.get("v") is None:
            found.optimizer, found.v = optimizer, tf.Variable([0.0])
        return optimizer.add_slot(found.v) + 0.0

    assert step().numpy().tolist() == [3.0]
