"""tf.data.Options: execution options of a pipeline. Most only affect speed."""

import enum
import logging
from typing import Any

from penstock._src.proto import dataset as messages
from penstock._src.util.export import export, export_constant

logger = logging.getLogger("penstock")

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2
SHARD_HINT = -1
export_constant("data.AUTOTUNE", AUTOTUNE, "data.experimental.AUTOTUNE")
export_constant(
    "data.INFINITE_CARDINALITY", INFINITE_CARDINALITY, "data.experimental.INFINITE_CARDINALITY"
)
export_constant(
    "data.UNKNOWN_CARDINALITY", UNKNOWN_CARDINALITY, "data.experimental.UNKNOWN_CARDINALITY"
)
export_constant("data.experimental.SHARD_HINT", SHARD_HINT)


@export("data.experimental.AutoShardPolicy")
class AutoShardPolicy(enum.IntEnum):
    """How a dataset is divided among workers: by files, by elements, or not at all."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


@export("data.experimental.ExternalStatePolicy")
class ExternalStatePolicy(enum.Enum):
    """How to handle a serialized dataset that depends on external state."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


@export("data.experimental.AutotuneAlgorithm")
class AutotuneAlgorithm(enum.Enum):
    """How parallelism and buffer sizes are chosen."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class _option(property):
    """A property with a checked type; `default` is a value, or a class to instantiate."""

    def __init__(self, kind: type, doc: str, default: Any = None, name: str = "") -> None:
        super().__init__(self._read, self._write, doc=doc)
        self._kind, self._default, self._name = kind, default, name

    def __set_name__(self, owner: Any, name: str) -> None:
        self._name = self._name or name

    def _read(self, owner: "_Options") -> Any:
        if self._name not in owner._options:
            if not isinstance(self._default, type):
                return self._default
            owner._options[self._name] = self._default()
        return owner._options[self._name]

    def _write(self, owner: "_Options", value: Any) -> None:
        if not isinstance(value, self._kind):
            raise TypeError(
                f'Property "{self._name}" must be of type {self._kind}, got: {value!r} '
                f"(type: {type(value)})"
            )
        owner._options[self._name] = value


class _Options:
    """Base of groups of options."""

    _options: dict[str, Any]

    def __init__(self) -> None:
        object.__setattr__(self, "_options", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name):
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        object.__setattr__(self, name, value)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(
            getattr(self, name) == getattr(other, name)
            for name in set(self._options) | set(other._options)
        )

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _update(self, other: "_Options") -> None:
        for name, value in other._options.items():
            held = self._options.get(name)
            if isinstance(value, _Options):
                if held is None:
                    held = self._options[name] = type(value)()
                held._update(value)
                continue
            if held is not None and held != value:
                logger.warning("Changing the value of option %s from %r to %r.", name, held, value)
            self._options[name] = value

    def _fill(self, proto: Any, groups: dict[str, str]) -> None:
        for name, value in self._options.items():
            if isinstance(value, _Options):
                value._fill(getattr(proto, groups[name]), {})
            elif name == "framework_type":
                proto.framework_type.extend(value)
            else:
                name = _FIELDS.get(name, name)
                setattr(proto, name, value.value if isinstance(value, enum.Enum) else value)


_FIELDS = {
    "experimental_external_state_policy": "external_state_policy",
    "experimental_slack": "slack",
    "experimental_symbolic_checkpoint": "symbolic_checkpoint",
    "experimental_warm_start": "warm_start",
}
_GROUPS = {
    "autotune": "autotune_options",
    "experimental_distribute": "distribute_options",
    "experimental_optimization": "optimization_options",
    "experimental_service": "service_options",
    "threading": "threading_options",
}


@export("data.experimental.AutotuneOptions")
class AutotuneOptions(_Options):
    """How parallelism and buffer sizes are chosen."""

    enabled = _option(bool, "Whether to choose parallelism at run time.")
    cpu_budget = _option(int, "The number of cores to use.")
    ram_budget = _option(int, "The bytes of memory to use.")
    autotune_algorithm = _option(AutotuneAlgorithm, "How to choose.")
    initial_parallelism = _option(int, "Where to start.")
    min_parallelism = _option(int, "The least parallelism.")


@export("data.experimental.DistributeOptions")
class DistributeOptions(_Options):
    """How a dataset is divided among workers."""

    auto_shard_policy = _option(AutoShardPolicy, "How to divide.", AutoShardPolicy.AUTO)
    num_devices = _option(int, "The number of devices fed.")


@export("data.experimental.OptimizationOptions")
class OptimizationOptions(_Options):
    """Which rewrites of a pipeline are allowed. Results do not depend on them."""

    apply_default_optimizations = _option(bool, "The usual ones.")
    filter_fusion = _option(bool, "Merge filters.")
    filter_parallelization = _option(bool, "Filter in threads.")
    inject_prefetch = _option(bool, "Read ahead at the end.")
    map_and_batch_fusion = _option(bool, "Merge map and batch.")
    map_and_filter_fusion = _option(bool, "Merge map and filter.")
    map_fusion = _option(bool, "Merge maps.")
    map_parallelization = _option(bool, "Map in threads.")
    noop_elimination = _option(bool, "Leave out what does nothing.")
    parallel_batch = _option(bool, "Copy batches in threads.")
    seq_interleave_prefetch = _option(bool, "Read ahead within.")
    shuffle_and_repeat_fusion = _option(bool, "Merge the two.")


@export("data.experimental.ServiceOptions")
class ServiceOptions(_Options):
    """Options of datasets produced by a service."""

    pinned = _option(bool, "Whether tensors stand in page-locked memory.")


@export("data.ThreadingOptions", "data.experimental.ThreadingOptions")
class ThreadingOptions(_Options):
    """Thread settings."""

    max_intra_op_parallelism = _option(int, "Threads of one op.")
    private_threadpool_size = _option(int, "Threads of the pipeline.")


@export("data.Options")
class Options(_Options):
    """Options of a dataset, set with `dataset.with_options(options)`."""

    autotune = _option(AutotuneOptions, "Of autotuning.", AutotuneOptions)
    dataset_name = _option(str, "A name for messages.")
    deterministic = _option(bool, "Whether the order of elements is fixed.")
    experimental_deterministic = _option(bool, "The same, deprecated.", name="deterministic")
    experimental_distribute = _option(DistributeOptions, "Of distribution.", DistributeOptions)
    experimental_external_state_policy = _option(ExternalStatePolicy, "About outside state.")
    experimental_optimization = _option(OptimizationOptions, "Of rewrites.", OptimizationOptions)
    experimental_service = _option(ServiceOptions, "Of the service.", ServiceOptions)
    experimental_slack = _option(bool, "Start the host's work late.")
    experimental_symbolic_checkpoint = _option(bool, "Checkpoint cursors, not buffers.")
    experimental_threading = _option(
        ThreadingOptions, "Deprecated.", ThreadingOptions, name="threading"
    )
    experimental_warm_start = _option(bool, "Start threads early.")
    framework_type = _option(list, "Who made the pipeline.")
    threading = _option(ThreadingOptions, "Of threads.", ThreadingOptions)

    def merge(self, options: "Options") -> "Options":
        """Returns these options overridden by `options`."""
        merged = Options()
        for part in (self, options):
            merged._update(part)
        return merged

    def _to_proto(self) -> Any:
        proto = messages.Options()
        self._fill(proto, _GROUPS)
        return proto
