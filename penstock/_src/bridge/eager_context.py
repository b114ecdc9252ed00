"""`tensorflow.python.eager.context` and `device_lib`: the few names that other packages use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock._src.api.config import devices
from penstock._src.api.config.start import SETTINGS
from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.eager.context import CONTEXT
from penstock._src.eager.context import executing_eagerly as executing_eagerly
from penstock._src.proto.config import ConfigProto
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export
from penstock._src.util.lazy import ByName
from penstock._src.v1.graphs.default_graph import graph_mode as graph_mode

# Imported by name: Keras loads this on every start, and few programs are connected to a cluster.
_DISCONNECT = ByName("penstock._src.distribute.cluster.connected", "disconnect")
EAGER_MODE, GRAPH_MODE = 1, 0


class Context:
    """The interface of TensorFlow's eager context, answered by Penstock."""

    def executing_eagerly(self) -> bool:
        """True if ops run at once."""
        return STATE.graph is None

    def ensure_initialized(self) -> None:
        """Starts the program: some settings can no longer be changed."""
        SETTINGS.initialized = True

    def enable_xla_devices(self) -> None:
        """Does nothing: the compiler has no devices beside those that ops run on."""

    def clear_kernel_cache(self) -> None:
        """Does nothing: kernels are shared by all that need them, and bounded in number."""

    def num_gpus(self) -> int:
        """Returns the number of visible GPUs."""
        return len(devices.list_logical_devices("GPU"))

    def list_logical_devices(self, device_type: str | None = None) -> list[Any]:
        """The devices that ops can name."""
        return devices.list_logical_devices(device_type)

    def list_physical_devices(self, device_type: str | None = None) -> list[Any]:
        """The devices of the machine."""
        return devices.list_physical_devices(device_type)

    def devices(self) -> list[str]:
        """The names of the devices."""
        return [d.name for d in devices.list_logical_devices()]

    def sync_executors(self) -> None:
        """Does nothing: eager ops have finished when they return."""

    def async_wait(self) -> None:
        """Does nothing: eager ops have finished when they return."""

    @property
    def device_name(self) -> str | None:
        """The device of the current `tf.device` scope."""
        return STATE.device

    @property
    def device_spec(self) -> DeviceSpec:
        """The device of the current `tf.device` scope as a DeviceSpec, which is empty outside of scopes."""
        return DeviceSpec.from_string(STATE.device or "")

    @property
    def scope_name(self) -> str:
        """The current name scope."""
        return STATE.eager_name_scope

    @property
    def run_eager_op_as_function(self) -> bool:
        """False."""
        return False

    def _set_global_seed(self, seed: int | None) -> None:
        CONTEXT.set_global_seed(seed)

    def global_seed(self) -> int | None:
        """The global seed."""
        return CONTEXT.global_seed


_CONTEXT = Context()


def context() -> Context:
    """Returns the context."""
    return _CONTEXT


def ensure_initialized() -> None:
    """Starts the program: some settings can no longer be changed."""
    SETTINGS.initialized = True


def async_wait() -> None:
    """Does nothing: eager ops have finished when they return."""


def _reset_context() -> None:
    """Resets the configuration of devices and seeds, for tests that split the CPU into logical devices."""
    devices.reset()
    _DISCONNECT()
    CONTEXT.set_global_seed(None)


def in_graph_mode() -> bool:
    """True if a graph is being built."""
    return STATE.graph is not None


def num_gpus() -> int:
    """Returns the number of visible GPUs."""
    return _CONTEXT.num_gpus()


def global_seed() -> int | None:
    """The global seed."""
    return CONTEXT.global_seed


@export("__internal__.eager_context.eager_mode", v1=[])
@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """A context in which ops run at once.

    Returns:
      A context manager.
    """
    with dispatch.building(None):
        yield


@export("__internal__.eager_context.get_device_name", v1=[])
def get_device_name() -> str | None:
    """Returns the device of the current `tf.device` scope.

    Returns:
      A str such as "/CPU:0", or None outside of scopes.
    """
    return STATE.device


def list_local_devices(session_config: Any = None) -> list[Any]:
    """The devices of this machine (device_lib)."""
    del session_config
    return devices.list_physical_devices()


@export("__internal__.eager_context.get_config", v1=[])
def get_config() -> Any:
    """Returns the session configuration of eager execution: the defaults.

    Returns:
      A `tf.compat.v1.ConfigProto`.
    """
    return ConfigProto(allow_soft_placement=True)


class Executor:
    """The executor of eager ops, which run at once."""

    def wait(self) -> None:
        """Does nothing: eager ops have finished when they return."""

    def is_async(self) -> bool:
        """False."""
        return False

    def clear_error(self) -> None:
        """Does nothing: errors are raised where they happen."""


@export("__internal__.eager_context.get_executor", v1=[])
def get_executor() -> Executor:
    """Returns the executor of eager ops.

    Returns:
      An object whose `wait` and `clear_error` do nothing: ops are complete when they return.
    """
    return Executor()
