"""The test case for DTensors, as tests of TensorFlow use it."""

import unittest

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.testing import dtensor as testing

dtensor = tf.experimental.dtensor


class Case(testing.DTensorBaseTest):
    def runTest(self):
        pass


def test_the_mesh_of_a_test_has_devices_and_its_tensors_are_compared_by_part():
    case = Case()
    case.setUp()
    meshes = {
        kind: dtensor.Mesh(
            ["b"],
            testing.create_device_ids_array((2,)),
            [0, 1],
            testing.create_device_list((2,), kind),
        )
        for kind in ("CPU", "GPU", "TPU")
    }
    mesh = case.configTestMesh(meshes)
    assert len(testing.list_local_logical_devices(mesh.device_type())) == 2
    layout = dtensor.Layout(["b"], mesh)
    tensor = dtensor.pack([tf.constant([1.0]), tf.constant([2.0])], layout)
    case.assertDTensorEqual([1.0, 2.0], layout, tensor)
    for value, other in (
        ([1.0, 3.0], layout),
        ([1.0, 2.0], dtensor.Layout.replicated(mesh, 1)),
        ([1.0], layout),
    ):
        with pytest.raises(AssertionError):
            case.assertDTensorEqual(value, other, tensor)
    with pytest.raises(unittest.SkipTest):
        case.skipForDeviceType([mesh.device_type()], "not here")
    case.skipForDeviceType([mesh.device_type()], "not here", unless_device_count_equals_to=2)
    case.tearDown()
    with pytest.raises(ValueError, match="non-supported device type"):
        testing.reset_logical_devices("XPU", 2)


def test_combinations_join_names_and_values():
    assert testing.product([("a", 1)], [("_b", 2), ("_c", 3)]) == [("a_b", 1, 2), ("a_c", 1, 3)]
    assert np.shape(testing.create_device_array((2, 3), "CPU")) == (2, 3)
