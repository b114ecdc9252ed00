"""Checkpoints of graphs, of registered savers, and of objects with older saveables."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.io.bundle import BundleReader
from penstock._src.saving import serialized
from penstock._src.saving.registered import register_checkpoint_saver
from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec

v1 = tf.compat.v1


def test_graphs_grow_only_once(tmp_path):
    """Saving and restoring again adds no operations, and takes the values of the session."""
    with tf.Graph().as_default() as graph, v1.Session() as session:
        variable = v1.get_variable("v", initializer=3.0)
        checkpoint = tf.train.Checkpoint(v=variable)
        session.run(variable.initializer)
        path = checkpoint.save(str(tmp_path / "c"))
        checkpoint.restore(path)
        session.run(variable.assign(4.0))
        count = len(graph.get_operations())
        assert checkpoint.save(str(tmp_path / "c")) == str(tmp_path / "c-2")
        status = checkpoint.restore(path)
        assert len(graph.get_operations()) == count
        status.assert_consumed().run_restore_ops()
        assert session.run(variable) == 3.0
    assert BundleReader(str(tmp_path / "c-2")).read("v/.ATTRIBUTES/VARIABLE_VALUE") == 4.0


def test_python_state_of_a_graph(tmp_path):
    """It is restored at once, since no session has it."""

    class State(tf.train.experimental.PythonState):
        value = b"saved"

        def serialize(self):
            return self.value

        def deserialize(self, string_value):
            self.value = string_value

    with tf.Graph().as_default(), v1.Session():
        checkpoint = tf.train.Checkpoint(state=State())
        path = checkpoint.save(str(tmp_path / "c"))
        checkpoint.state.value = b"changed"
        checkpoint.restore(path)
        assert checkpoint.state.value == b"saved"


def test_slots_of_optimizers_may_be_skipped(tmp_path):
    """`experimental_skip_slot_variables` leaves them as they are."""
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.get_variable("v", initializer=1.0)
        optimizer = v1.train.AdamOptimizer(0.1)
        optimizer.minimize(variable)
        checkpoint = tf.train.Checkpoint(v=variable, optimizer=optimizer)
        session.run(v1.global_variables_initializer())
        slot = optimizer.get_slot(variable, "m")
        session.run(slot.assign(5.0))
        path = checkpoint.save(str(tmp_path / "c"))
        session.run([slot.assign(0.0), variable.assign(0.0)])
        options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
        checkpoint.restore(path, options).assert_consumed().run_restore_ops()
        assert session.run([variable, slot]) == [1.0, 0.0]
        checkpoint.restore(path).assert_consumed().run_restore_ops()
        assert session.run([variable, slot]) == [1.0, 5.0]


def test_adam_counts_in_each_graph():
    """The powers of its betas belong to a graph."""
    optimizer = v1.train.AdamOptimizer(0.1)
    for _ in range(2):
        with tf.Graph().as_default(), v1.Session() as session:
            step = optimizer.minimize(v1.get_variable("v", initializer=1.0))
            session.run(v1.global_variables_initializer())
            session.run(step)
            np.testing.assert_allclose(session.run(optimizer._get_beta_accumulators()[0]), 0.81)


def test_older_saveables_are_saved(tmp_path):
    """An object that gives saveables is restored by them."""

    class Both(SaveableObject):
        def __init__(self, op, name):
            specs = [SaveSpec(op.a, "", name + "-a"), SaveSpec(op.b, "", name + "-b")]
            super().__init__(op, specs, name)

        def restore(self, restored_tensors, restored_shapes):
            for variable, value in zip((self.op.a, self.op.b), restored_tensors, strict=True):
                variable.assign(value)

    class Pair(tf.__internal__.tracking.Trackable):
        def __init__(self):
            self.a, self.b = tf.Variable(1.0), tf.Variable(2.0)

        def _gather_saveables_for_checkpoint(self):
            return {"pair": lambda name: Both(self, name)}

    pair = Pair()
    path = tf.train.Checkpoint(pair=pair).write(str(tmp_path / "c"))
    assert "pair/.ATTRIBUTES/pair-b" in BundleReader(path)
    pair.b.assign(0.0)
    tf.train.Checkpoint(pair=pair).read(path).assert_consumed()
    assert pair.b.numpy() == 2.0


def test_a_variable_around_another_is_saved_as_that(tmp_path):
    class Around(tf.Variable):
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def _gather_saveables_for_checkpoint(self):
            return self.inner._gather_saveables_for_checkpoint()

    around = Around(tf.Variable([1.0, 2.0]))
    path = tf.train.Checkpoint(x=around).write(str(tmp_path / "c"))
    around.inner.assign([0.0, 0.0])
    tf.train.Checkpoint(x=around).read(path).assert_consumed()
    assert around.inner.numpy().tolist() == [1.0, 2.0]
    plain = tf.Variable([0.0, 0.0])
    tf.train.Checkpoint(x=plain).read(path).assert_consumed()
    assert plain.numpy().tolist() == [1.0, 2.0]


def test_tables_share_one_attribute(tmp_path):
    """Keys as in TensorFlow's checkpoints, which are therefore read."""
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0)
    table.insert("a", 5.0)
    path = tf.train.Checkpoint(table=table).write(str(tmp_path / "c"))
    assert {"table/.ATTRIBUTES/table-keys", "table/.ATTRIBUTES/table-values"} <= set(
        BundleReader(path).entries
    )
    table.remove("a")
    tf.train.Checkpoint(table=table).read(path).assert_consumed()
    assert table.lookup("a").numpy() == 5.0


def test_registered_savers_save_and_restore(tmp_path):
    """Their tensors are part of the checkpoint."""

    class Registered(tf.Module):
        value = 7

    def save(trackables, file_prefix):
        names = [f"{name}/value" for name in trackables]
        values = [tf.constant(held.value) for held in trackables.values()]
        tf.raw_ops.SaveV2(
            prefix=file_prefix,
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=values,
        )
        return file_prefix

    def restore(trackables, merged_prefix):
        for name, held in trackables.items():
            read = tf.train.load_checkpoint(merged_prefix.numpy()).get_tensor(f"{name}/value")
            held.value = int(read)

    register_checkpoint_saver(
        name="of_test",
        predicate=lambda x: isinstance(x, Registered),
        save_fn=save,
        restore_fn=restore,
    )
    held = Registered()
    path = tf.train.Checkpoint(held=held).write(str(tmp_path / "c"))
    held.value = 0
    tf.train.Checkpoint(held=held).read(path)
    assert held.value == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.data-00000-of-00001", "c.index"]


def test_sessions_that_a_library_provides_are_used_where_none_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setattr(serialized, "_PROVIDERS", [])
    with tf.Graph().as_default() as graph:
        session = v1.Session(graph=graph)
        v = v1.get_variable("v", initializer=[1.0, 2.0])
        session.run(v.initializer)
        checkpoint = tf.train.Checkpoint(v=v)
        with pytest.raises(ValueError, match="No default session"):
            checkpoint.write(str(tmp_path / "none"))
        tf.__internal__.tracking.register_session_provider(lambda: None)
        tf.__internal__.tracking.register_session_provider(
            lambda: session
        )  # replaces the first one
        path = checkpoint.write(str(tmp_path / "c"))
        assert checkpoint.save(str(tmp_path / "d")).endswith("d-1")
        session.run(v.assign([0.0, 0.0]))
        checkpoint.read(path).run_restore_ops()
        assert session.run(v).tolist() == [1.0, 2.0]
        manager = tf.train.CheckpointManager(checkpoint, str(tmp_path / "m"), max_to_keep=1)
        assert manager.save().endswith("ckpt-2")
