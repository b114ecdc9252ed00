"""Arrays on a plugin's device, and its errors."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.devices.pjrt.client import TYPES
from penstock._src.devices.pjrt.device import DEVICE
from tests.devices.pjrt.plugin import needs_plugin

pytestmark = needs_plugin


@pytest.mark.parametrize("name", list(TYPES))
def test_arrays_of_each_type_come_back(name):
    dtype = dtypes.as_dtype("bool" if name == "bool" else name).np
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    made = np.zeros_like(array)
    DEVICE.client.put(array).read(made)
    np.testing.assert_array_equal(made, array)


def test_arrays_without_elements_and_without_axes_come_back():
    made = np.empty((), np.int64)
    DEVICE.client.put(np.array(7)).read(made)
    assert made == 7
    DEVICE.client.put(np.empty((0, 3), np.float32)).read(np.empty((0, 3), np.float32))


def test_a_type_that_plugins_lack_is_named():
    with pytest.raises(tf.errors.UnimplementedError, match="datetime64"):
        DEVICE.client.put(np.zeros(2, "datetime64[s]"))


def test_what_the_plugin_refuses_is_told():
    with pytest.raises(tf.errors.UnknownError, match="PJRT, Client_Compile: .*nonsense"):
        DEVICE.client.compile("module { nonsense }")
