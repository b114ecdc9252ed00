"""Checkpoints: values of objects, matched by the graph of objects."""

import collections
import os

import numpy as np
import pytest

import penstock._src.api.load  # noqa: F401  (operators)
from penstock._src.api.module import Module
from penstock._src.core import errors
from penstock._src.eager.variable import Variable
from penstock._src.ops.io import bundle
from penstock._src.saving import state
from penstock._src.saving.checkpoint import Checkpoint
from penstock._src.saving.manager import CheckpointManager


class Net(Module):
    def __init__(self, value):
        super().__init__()
        self.weights = Variable([value, value])
        self.parts = [Variable(value), {"a": Variable(value)}]


def test_round_trip(tmp_path):
    saved = Checkpoint(net=Net(1.5))
    path = saved.save(tmp_path / "deep" / "ckpt")
    assert path == str(tmp_path / "deep" / "ckpt-1")
    assert saved.save(str(tmp_path / "deep" / "ckpt")).endswith("-2")
    assert state.latest_checkpoint(tmp_path / "deep").endswith("ckpt-2")
    net = Net(0.0)
    Checkpoint(net=net).restore(path).assert_consumed()
    np.testing.assert_array_equal(net.weights, [1.5, 1.5])
    assert float(net.parts[1]["a"]) == 1.5
    names = [name for name, _ in state.list_variables(tmp_path / "deep")]
    assert names == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "net/parts/0/.ATTRIBUTES/VARIABLE_VALUE",
        "net/parts/1/a/.ATTRIBUTES/VARIABLE_VALUE",
        "net/weights/.ATTRIBUTES/VARIABLE_VALUE",
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE",
    ]
    assert state.load_variable(path, names[3]).tolist() == [1.5, 1.5]


def test_objects_that_come_later(tmp_path):
    path = Checkpoint(net=Net(2.5)).save(tmp_path / "c")
    late = Module()
    status = Checkpoint(net=late).restore(path)
    with pytest.raises(
        AssertionError, match="Unresolved object in checkpoint \\(root\\).net.weights"
    ):
        status.assert_consumed()
    late.weights = Variable([0.0, 0.0])
    np.testing.assert_array_equal(late.weights, [2.5, 2.5])
    late.extra = Variable(1.0)
    with pytest.raises(AssertionError, match="1 Python objects that were not bound"):
        status.assert_existing_objects_matched()
    status.expect_partial()


def test_root_and_attached(tmp_path):
    net = Net(3.0)
    path = Checkpoint(net, step=Variable(7)).write(str(tmp_path / "w"))
    other, step = Net(0.0), Variable(0)
    Checkpoint(other, step=step).read(path).assert_consumed()
    assert float(other.parts[0]) == 3.0 and int(step) == 7
    assert "weights/.ATTRIBUTES/VARIABLE_VALUE" in bundle.BundleReader(path)


def test_rejections(tmp_path):
    with pytest.raises(ValueError, match="expecting a to be a trackable object"):
        Checkpoint(a=3)
    with pytest.raises(errors.NotFoundError, match="double-check that the path is correct"):
        Checkpoint(a=Net(1.0)).restore(str(tmp_path / "none"))
    path = Checkpoint(v=Variable(1.0)).write(tmp_path / "v")
    with pytest.raises(ValueError, match="incompatible tensor with shape \\(\\)"):
        Checkpoint(v=Variable([1.0, 2.0])).read(path)
    with pytest.raises(AssertionError, match="No checkpoint specified"):
        Checkpoint().restore(None).assert_consumed()
    with pytest.raises(AssertionError, match="Nothing to load"):
        Checkpoint().read(path).assert_nontrivial_match()


def test_by_name(tmp_path):
    prefix = str(tmp_path / "old")
    bundle.write_bundle(prefix, {"scope/w": np.float32([1, 2]), "other": np.array(3.0)})
    variable = Variable([0.0, 0.0], name="scope/w")
    status = Checkpoint(v=variable).read(prefix)
    np.testing.assert_array_equal(variable, [1, 2])
    status.assert_consumed()  # what the checkpoint has besides does not matter


def test_manager(tmp_path):
    value = Variable(0.0)
    checkpoint = Checkpoint(v=value)
    manager = CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    assert manager.restore_or_initialize() is None
    for step in range(3):
        value.assign(step)
        manager.save()
    kept = [str(tmp_path / "ckpt-2"), str(tmp_path / "ckpt-3")]
    assert manager.checkpoints == kept and manager.latest_checkpoint == kept[1]
    assert not os.path.exists(tmp_path / "ckpt-1.index")
    value.assign(9.0)
    again = CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    assert again.restore_or_initialize() == kept[1] and float(value) == 2.0
    found = state.get_checkpoint_state(tmp_path)
    assert list(found.all_model_checkpoint_paths) == kept
    assert list(state.checkpoints_iterator(tmp_path, timeout=0)) == [kept[1]]


def test_managers_number_checkpoints_by_saves(tmp_path):
    """The step counter only says whether the interval has passed."""
    step = Variable(0)
    manager = CheckpointManager(
        Checkpoint(step=step), tmp_path, 3, step_counter=step, checkpoint_interval=10
    )
    saved = []
    for _ in range(4):
        saved.append(manager.save())
        step.assign_add(5)
    assert saved == [str(tmp_path / "ckpt-1"), None, str(tmp_path / "ckpt-2"), None]


def test_named_tuples_of_variables_are_saved(tmp_path):
    """A named tuple keeps its class and its elements are dependencies."""
    pair = collections.namedtuple("pair", ["first", "second"])
    module = Module()
    module.pair = pair(Variable(1.0), [Variable(2.0)])
    assert isinstance(module.pair, pair) and module.pair.second[0].numpy() == 2.0
    path = Checkpoint(module).save(str(tmp_path / "c"))
    module.pair.second[0].assign(0.0)
    Checkpoint(module).restore(path).assert_consumed()
    assert module.pair.second[0].numpy() == 2.0


def test_objects_without_values_are_named_before_values_without_objects(tmp_path):
    path = Checkpoint(kept=Variable(1.0), gone=Variable(2.0)).save(str(tmp_path / "c"))
    status = Checkpoint(kept=Variable(1.0), new=Variable(3.0)).restore(path)
    with pytest.raises(AssertionError, match="Found 1 Python objects that were not bound"):
        status.assert_consumed()
