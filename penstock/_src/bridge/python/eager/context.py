"""`tensorflow.python.eager.context`: the mode, the devices and the settings of the program, as one object."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from penstock._src.api.config import devices, settings
from penstock._src.api.config.start import SETTINGS
from penstock._src.bridge import eager_context
from penstock._src.bridge.eager_context import (
    EAGER_MODE,
    GRAPH_MODE,
    Executor,
    async_wait,
    eager_mode,
    ensure_initialized,
    get_device_name,
    global_seed,
    graph_mode,
    in_graph_mode,
    num_gpus,
)
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import NotFoundError
from penstock._src.eager.context import CONTEXT, executing_eagerly
from penstock._src.graph.library import FUNCTIONS
from penstock._src.graph.serialize import exporter
from penstock._src.proto.config import ConfigProto, OptimizerOptions, RewriterConfig, RunMetadata
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.v1.graphs.devices import device

__all__ = [
    "EAGER_MODE",
    "GRAPH_MODE",
    "Executor",
    "async_wait",
    "device",
    "eager_mode",
    "ensure_initialized",
    "executing_eagerly",
    "in_eager_mode",
    "get_device_name",
    "global_seed",
    "graph_mode",
    "in_graph_mode",
    "num_gpus",
]

SYNC, ASYNC = 0, 1
DEVICE_PLACEMENT_EXPLICIT, DEVICE_PLACEMENT_WARN = 0, 1
DEVICE_PLACEMENT_SILENT, DEVICE_PLACEMENT_SILENT_FOR_INT32 = 2, 3
_POLICIES = {"explicit": 0, "warn": 1, "silent": 2, "silent_for_int32": 3}
_NAMES = {number: name for name, number in _POLICIES.items()}
default_execution_mode = EAGER_MODE
_UNIQUE = itertools.count()


HOST = DeviceSpec(job="localhost", replica=0, task=0)


class ContextSwitch(NamedTuple):
    """A change between eager execution and graphs, or to another graph."""

    is_building_function: bool
    enter_context_fn: Any
    device_stack: Any


class ContextSwitches:
    """The modes that have been entered and not left, outermost first: those of the current graph and of all around it."""

    @property
    def stack(self) -> list[ContextSwitch]:
        """One entry for eager execution, then one for each graph."""
        switches: list[ContextSwitch] = []
        graph = STATE.graph
        while graph is not None:
            switches.append(ContextSwitch(graph.building_function, graph.as_default, None))
            graph = getattr(graph, "enclosing", None)
        return [ContextSwitch(False, eager_mode, None), *reversed(switches)]


class _EagerTensorCache:
    """The most recently kept tensors of at most `max_tensor_size` elements.

    Args:
      max_items: how many are kept.
      max_tensor_size: the largest number of elements.
    """

    def __init__(self, max_items: int = 256, max_tensor_size: int = 10000) -> None:
        self._max_items, self._max_tensor_size = max_items, max_tensor_size
        self._data: dict[Any, Any] = {}

    def put(self, key: Any, value: Any) -> None:
        """Keeps a tensor, unless it is too large."""
        if value._num_elements() > self._max_tensor_size:
            return
        self._data.pop(key, None)
        self._data[key] = value
        if len(self._data) > self._max_items:
            del self._data[next(iter(self._data))]

    def get(self, key: Any) -> Any:
        """Returns the tensor kept under a key, or None."""
        return self._data.get(key)

    def flush(self) -> None:
        """Forgets all tensors."""
        self._data.clear()


class Context(eager_context.Context):
    """TensorFlow's eager context: Penstock's answers to its queries."""

    def __init__(
        self,
        config: Any = None,
        device_policy: int | None = None,
        execution_mode: int | None = None,
        server_def: Any = None,
    ) -> None:
        if execution_mode not in (None, SYNC, ASYNC):
            raise ValueError(f"execution_mode should be None/SYNC/ASYNC. Got {execution_mode}")
        self._config, self._server_def = config, server_def
        self._run_metadata: Any = None
        self._local = threading.local()
        if device_policy is not None:
            SETTINGS.policy = _NAMES[device_policy]
        if execution_mode is not None:
            SETTINGS.synchronous = execution_mode == SYNC
        if config is not None:
            self._take(config)

    def _take(self, config: Any) -> None:
        """Takes the settings over from a ConfigProto."""
        SETTINGS.threads["intra"] = config.intra_op_parallelism_threads or None
        SETTINGS.threads["inter"] = config.inter_op_parallelism_threads or None
        SETTINGS.log_placement = config.log_device_placement
        parts = config.device_count.get("CPU", 1)
        if parts > 1:
            (cpu,) = devices.list_physical_devices("CPU")
            SETTINGS.logical[cpu] = [devices.LogicalDeviceConfiguration()] * parts
            devices.name_logical_cpus()

    @property
    def config(self) -> Any:
        """The settings as a ConfigProto."""
        proto = ConfigProto()
        if self._config is not None:
            proto.CopyFrom(self._config)
        proto.allow_soft_placement = devices.get_soft_device_placement()
        proto.log_device_placement = SETTINGS.log_placement
        proto.intra_op_parallelism_threads = SETTINGS.threads["intra"] or 0
        proto.inter_op_parallelism_threads = SETTINGS.threads["inter"] or 0
        if SETTINGS.jit is not None:
            level = OptimizerOptions.ON_1 if SETTINGS.jit else OptimizerOptions.OFF
            proto.graph_options.optimizer_options.global_jit_level = level
        self._write_rewrites(proto.graph_options.rewrite_options)
        if SETTINGS.mlir_bridge is not None:
            proto.experimental.enable_mlir_bridge = SETTINGS.mlir_bridge
            proto.experimental.mlir_bridge_rollout = 1 if SETTINGS.mlir_bridge else 2
        for kind in ("CPU", "GPU"):
            visible = devices.get_visible_devices(kind)
            proto.device_count[kind] = sum(len(SETTINGS.logical.get(d) or [d]) for d in visible)
        return proto

    def configure_collective_ops(
        self,
        collective_leader: str = "",
        scoped_allocator_enabled_ops: Sequence[str] = ("CollectiveReduce",),
        use_nccl_communication: bool = False,
        device_filters: Sequence[str] | None = None,
    ) -> None:
        """Writes settings of collective operations into the configuration, at the start of a program.

        Raises:
          RuntimeError: the program has started.
        """
        del use_nccl_communication  # it is about GPUs
        SETTINGS.refuse_if_started("Collective ops must be configured at program startup")
        proto = ConfigProto()
        if self._config is not None:
            proto.CopyFrom(self._config)
        proto.experimental.collective_group_leader = collective_leader
        proto.device_filters[:] = device_filters or ()
        options = proto.graph_options.rewrite_options
        if scoped_allocator_enabled_ops:
            options.scoped_allocator_optimization = RewriterConfig.ON
            options.scoped_allocator_opts.enable_op[:] = scoped_allocator_enabled_ops
        self._config = proto

    def _write_rewrites(self, options: Any) -> None:
        for name, value in SETTINGS.optimizer.items():
            if name not in settings.OPTIMIZER_OPTIONS or name == "auto_parallel":
                continue
            if name == "min_graph_nodes" or name.startswith("disable_"):
                setattr(options, name, value)
            else:
                setattr(options, name, RewriterConfig.ON if value else RewriterConfig.OFF)

    # -- settings

    @property
    def intra_op_parallelism_threads(self) -> int:
        """The number of threads of a kernel; 0: the default."""
        return settings.get_intra_op_parallelism_threads()

    @intra_op_parallelism_threads.setter
    def intra_op_parallelism_threads(self, num_threads: int) -> None:
        settings.set_intra_op_parallelism_threads(num_threads)

    @property
    def inter_op_parallelism_threads(self) -> int:
        """The number of ops that run in parallel; 0: the default."""
        return settings.get_inter_op_parallelism_threads()

    @inter_op_parallelism_threads.setter
    def inter_op_parallelism_threads(self, num_threads: int) -> None:
        settings.set_inter_op_parallelism_threads(num_threads)

    @property
    def soft_device_placement(self) -> bool:
        """True if an op may run on another device than requested."""
        return devices.get_soft_device_placement()

    @soft_device_placement.setter
    def soft_device_placement(self, enabled: bool) -> None:
        devices.set_soft_device_placement(enabled)

    @property
    def log_device_placement(self) -> bool:
        """True if the device of every op is logged."""
        return devices.get_log_device_placement()

    @log_device_placement.setter
    def log_device_placement(self, enabled: bool) -> None:
        devices.set_log_device_placement(enabled)

    @property
    def device_policy(self) -> int:
        """The policy for tensors on another device than the op: one of DEVICE_PLACEMENT_*."""
        return _POLICIES[SETTINGS.policy]

    @device_policy.setter
    def device_policy(self, policy: int | None) -> None:
        SETTINGS.policy = _NAMES[DEVICE_PLACEMENT_SILENT if policy is None else policy]

    @property
    def execution_mode(self) -> int:
        """SYNC or ASYNC; eager ops always finish before they return."""
        return SYNC if SETTINGS.synchronous else ASYNC

    @execution_mode.setter
    def execution_mode(self, mode: int | None) -> None:
        if mode not in (None, SYNC, ASYNC):
            raise ValueError(f"Execution mode should be None/SYNC/ASYNC. Got {mode}")
        SETTINGS.synchronous = mode != ASYNC

    def is_async(self) -> bool:
        """True if asynchronous execution is enabled."""
        return not SETTINGS.synchronous

    @property
    def executor(self) -> Executor:
        """The executor of eager ops."""
        return Executor()

    @executor.setter
    def executor(self, executor: Any) -> None:
        if executor is not None:
            SETTINGS.synchronous = not executor.is_async()

    @property
    def optimizer_jit(self) -> bool:
        """True if compilation of clusters is enabled."""
        return bool(SETTINGS.jit)

    @optimizer_jit.setter
    def optimizer_jit(self, enabled: bool) -> None:
        settings.set_jit(enabled)

    get_optimizer_experimental_options = staticmethod(settings.get_experimental_options)
    set_optimizer_experimental_options = staticmethod(settings.set_experimental_options)

    @property
    def scope_name(self) -> str:
        """The current name scope; for a context other than the program's own, the scope set in this thread."""
        if self is _context:
            return STATE.eager_name_scope
        return getattr(self._local, "scope_name", "")

    @scope_name.setter
    def scope_name(self, name: str) -> None:
        if self is _context:
            STATE.eager_name_scope = name
        else:
            self._local.scope_name = name

    # -- devices

    @property
    def device_name(self) -> str:
        """The full name of the device of the current `tf.device` scope; "" outside of scopes."""
        return self.device_spec.to_string()

    @property
    def device_spec(self) -> DeviceSpec:
        """The device of the current `tf.device` scope."""
        asked = DeviceSpec.from_string(STATE.device or "")
        return HOST.make_merged_spec(asked) if STATE.device else asked

    @property
    def context_switches(self) -> ContextSwitches:
        """The modes that have been entered and not left."""
        return ContextSwitches()

    list_physical_devices = staticmethod(devices.list_physical_devices)
    list_logical_devices = staticmethod(devices.list_logical_devices)
    get_visible_devices = staticmethod(devices.get_visible_devices)
    set_visible_devices = staticmethod(devices.set_visible_devices)
    get_logical_device_configuration = staticmethod(devices.get_logical_device_configuration)
    set_logical_device_configuration = staticmethod(devices.set_logical_device_configuration)
    get_memory_info = staticmethod(devices.get_memory_info)
    reset_memory_stats = staticmethod(devices.reset_memory_stats)
    get_memory_growth = staticmethod(devices.get_memory_growth)
    set_memory_growth = staticmethod(devices.set_memory_growth)
    get_device_details = staticmethod(devices.get_device_details)
    device = staticmethod(device)

    @property
    def _physical_devices(self) -> list[Any]:
        return devices.list_physical_devices()

    @_physical_devices.setter
    def _physical_devices(self, devices: None) -> None:
        """Forgets the devices found, which here does nothing: they are looked for each time."""

    @property
    def _context_devices(self) -> list[str]:
        return self.devices()

    def host_address_space(self) -> str:
        """The name of the host's address space."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    # -- runs

    def ensure_initialized(self) -> None:
        """Starts the program: some settings can no longer be changed."""
        SETTINGS.initialized = True

    def _internal_operation_seed(self) -> int:
        return CONTEXT.internal_operation_seed()

    def has_function(self, name: str | bytes) -> bool:
        """True if a function of this name is in use."""
        return (name.decode() if isinstance(name, bytes) else name) in FUNCTIONS

    def get_function_def(self, name: str | bytes) -> Any:
        """Returns the FunctionDef of the function of this name."""
        function = FUNCTIONS.get(name.decode() if isinstance(name, bytes) else name)
        if function is None:
            raise NotFoundError(f"Unable to find FunctionDef with name: {name!s}")
        return exporter.function_def(function)

    def enable_run_metadata(self) -> None:
        """Begins to collect metadata of runs."""
        self._run_metadata = RunMetadata()

    def disable_run_metadata(self) -> None:
        """Ends it."""
        self._run_metadata = None

    def export_run_metadata(self) -> Any:
        """Returns the collected data, or None."""
        return self._run_metadata


_context: Context = Context()


def in_eager_mode() -> bool:
    """True if operations run at once: the older name of `executing_eagerly`."""
    return executing_eagerly()


def context() -> Context:
    """Returns the context."""
    return _context


def _set_context(ctx: Context | None) -> None:
    global _context
    _context = Context() if ctx is None else ctx


def _reset_context() -> None:
    """Resets the configuration of devices, threads and seeds."""
    eager_context._reset_context()
    _set_context(None)


def _reset_jit_compiler_flags() -> None:
    """Does nothing: the compiler has no such flags."""


def set_global_seed(seed: int | None) -> None:
    """Sets the global seed."""
    CONTEXT.set_global_seed(seed)


def internal_operation_seed() -> int:
    """Returns the next seed of an op."""
    return CONTEXT.internal_operation_seed()


def anonymous_name() -> str:
    """Returns a unique name for a shared resource."""
    return f"cd2c89b7-88b7-44c8-ad83-06c2a9158347_{next(_UNIQUE)}"


def shared_name(name: str | None = None) -> str | None:
    """Returns the name under which a resource is shared: eagerly none is."""
    return name if name or not executing_eagerly() else anonymous_name()


@contextlib.contextmanager
def execution_mode(mode: int | None) -> Iterator[None]:
    """A scope with SYNC or ASYNC execution; eager ops always finish before they return."""
    before = _context.execution_mode
    _context.execution_mode = mode
    try:
        yield
    finally:
        _context.execution_mode = before


@contextlib.contextmanager
def executor_scope(e: Any) -> Iterator[None]:
    """A scope with an executor of its own; eager ops run at once in each."""
    with execution_mode(ASYNC if e.is_async() else SYNC):
        yield


@contextlib.contextmanager
def device_policy(policy: int | None) -> Iterator[None]:
    """A scope with a policy for tensors on another device than the op."""
    before = _context.device_policy
    _context.device_policy = policy
    try:
        yield
    finally:
        _context.device_policy = before


def get_function_def(name: str | bytes) -> Any:
    """Returns the FunctionDef of the function of this name."""
    return _context.get_function_def(name)


def enable_run_metadata() -> None:
    """Begins to collect metadata of runs."""
    _context.enable_run_metadata()


def disable_run_metadata() -> None:
    """Ends it."""
    _context.disable_run_metadata()


def export_run_metadata() -> Any:
    """Returns the collected data, or None."""
    return _context.export_run_metadata()


def run_eager_op_as_function_enabled() -> bool:
    """False: eager ops run their kernels."""
    return False


@contextlib.contextmanager
def temporarily_disable_optionals_in_gradients() -> Iterator[None]:
    """A scope without effect: gradients hold no optionals."""
    yield
