"""Tests of DTensors: counterpart of TensorFlow's `dtensor/python/tests/test_util`."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl.testing import parameterized

from penstock._src.api.config import devices as configured
from penstock._src.api.test.case import TestCase
from penstock._src.core.calls.placement import has_gpus
from penstock._src.distribute.dtensor.clients import preferred_device_type
from penstock._src.distribute.dtensor.layout import Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.tensors import fetch_layout, is_dtensor, unpack
from penstock._src.util.device_spec import DeviceSpec

DEFAULT_TOL = 1e-5
_JOB = "localhost/replica:0/task:0"


def create_device_ids_array(shape: Sequence[int]) -> np.ndarray:
    """Returns numbers of devices, from 0, in the shape of a mesh."""
    return np.arange(int(np.prod(shape))).reshape(shape)


def create_device_list(shape: Sequence[int], device_type: str) -> list[DeviceSpec]:
    """Returns the devices of a mesh of this process."""
    return list(create_device_array(shape, device_type).flat)


def create_device_array(shape: Sequence[int], device_type: str) -> np.ndarray:
    """Returns the devices of a mesh of this process in its shape."""
    count = int(np.prod(shape))
    specs = [DeviceSpec(job=_JOB, device_type=device_type, device_index=n) for n in range(count)]
    return np.reshape(np.array(specs, object), shape)


def list_local_logical_devices(device_type: str) -> list[Any]:
    """Returns this process's logical devices of a type."""
    return list(configured.own_devices(device_type))


def reset_context() -> None:
    """Undoes the program's settings of devices."""
    configured.reset()


reset_dtensor = reset_context


def reset_logical_devices(device_type: str, count: int) -> None:
    """Divides the CPU, or the first GPU, into `count` logical devices, in place of those there are.

    Raises:
      ValueError: devices of this type cannot be divided.
    """
    kind = device_type.upper()
    if kind not in ("CPU", "GPU"):
        raise ValueError(f"resetting logical device for non-supported device type : {device_type}")
    configured.reset()
    part = configured.LogicalDeviceConfiguration()
    for physical in configured.list_physical_devices(kind)[:1]:
        configured.set_logical_device_configuration(physical, [part] * count)


def is_gpu_present() -> bool:
    """True if there is a GPU."""
    return has_gpus()


def is_tpu_present() -> bool:
    """Returns False: there is no TPU."""
    return bool(configured.list_physical_devices("TPU"))


def is_tfrt_enabled() -> bool:
    """True if another runtime of TensorFlow's runs functions: there is only ours."""
    return False


def use_multi_device_mode() -> bool:
    """True if DTensor runs a function as one over many devices instead of one for each: it does not."""
    return False


def get_use_xla_spmd(device_type: str) -> bool:
    """True if XLA partitions functions, as it may on TPUs."""
    return device_type == "TPU" and is_tpu_present()


def product(*lists: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Returns all combinations of named parameters: a tuple of the joined names and all values for each."""
    chosen = itertools.product(*lists)
    return [
        ("".join(case[0] for case in cases), *(v for case in cases for v in case[1:]))
        for cases in chosen
    ]


class DTensorBaseTest(TestCase, parameterized.TestCase):
    """A test case for DTensors, on a CPU of as many logical devices as a test's mesh has."""

    def tearDown(self) -> None:
        super().tearDown()
        reset_dtensor()

    def configTestMesh(self, device_type_mesh_map: dict[str, Mesh]) -> Mesh:
        """Returns the mesh of the preferred type of devices, which are created.

        Raises:
          ValueError: there is none of this type.
        """
        reset_context()
        kind = preferred_device_type()
        if kind not in device_type_mesh_map:
            raise ValueError(f"Requires a {kind} mesh to run test on {kind}.")
        mesh = device_type_mesh_map[kind]
        reset_logical_devices(kind, mesh.num_local_devices())
        return mesh

    def skipForDeviceType(
        self, device_type: list[str], reason: str, unless_device_count_equals_to: int | None = None
    ) -> None:
        """Skips the test on devices of these types, unless there are that many of them."""
        kind = preferred_device_type()
        count = len(list_local_logical_devices(kind))
        if kind in device_type and count != unless_device_count_equals_to:
            raise unittest.SkipTest(reason)

    def skipForTfrt(self, reason: str) -> None:
        """Does nothing: there is one runtime."""

    def assertDTensorEqual(
        self,
        expected_result: Any,
        expected_layout: Layout | None,
        result_dtensor: Any,
        tol: float = DEFAULT_TOL,
    ) -> None:
        """Fails unless a DTensor has a layout, where one is given, and each of its parts the expected value's."""
        if not is_dtensor(result_dtensor):
            self.fail(f"a DTensor is expected. Received: {result_dtensor!r}")
        layout = fetch_layout(result_dtensor)
        if expected_layout is not None and layout != expected_layout:
            self.fail(f"Expected layout {expected_layout}, received {layout}")
        whole = np.asarray(expected_result)
        self.assertEqual(tuple(result_dtensor.shape), whole.shape)
        parts = unpack(result_dtensor)
        sizes = layout.local_shape_from_global_shape(whole.shape)
        for part, place in zip(parts, layout.offset_to_shard(), strict=True):
            where = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, sizes, strict=True))
            self.assertAllClose(whole[where], part, rtol=tol, atol=tol)
