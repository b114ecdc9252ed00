"""tf.data.Options: execution options of a pipeline. docs/data.md describes each."""

import enum
import logging
from collections.abc import Callable
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
    """Division of a dataset among workers: by files, by elements, or not at all.

    `AUTO` divides by files where there are enough, else by elements; `HINT` replaces
    `shard(tf.data.experimental.SHARD_HINT, ...)`.

    >>> options = tf.data.Options()
    >>> options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    >>> options.experimental_distribute.auto_shard_policy.name
    'DATA'
    """

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


@export("data.experimental.ExternalStatePolicy")
class ExternalStatePolicy(enum.Enum):
    """Handling of a serialized dataset that depends on external state."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


@export("data.experimental.AutotuneAlgorithm")
class AutotuneAlgorithm(enum.Enum):
    """Algorithm that chooses parallelism and buffer sizes."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class Testing:
    """Switch that is on while TensorFlow's tests of the input pipeline run: it changes the default of `experimental_warm_start`."""

    is_on = False


class _option(property):
    """A property with a checked type, which is `default()` until it is set."""

    def __init__(
        self, kind: type, doc: str, default: Callable[[], Any] = lambda: None, name: str = ""
    ) -> None:
        super().__init__(self._read, self._write, doc=doc)
        self._kind, self._default, self._name = kind, default, name

    def __set_name__(self, owner: Any, name: str) -> None:
        self._name = self._name or name

    def _read(self, owner: "OptionsBase") -> Any:
        if self._name not in owner._options:
            owner._options[self._name] = options = self._default()
            if isinstance(options, OptionsBase):
                options._set_mutable(owner._mutable)
        return owner._options[self._name]

    def _write(self, owner: "OptionsBase", value: Any) -> None:
        if not isinstance(value, self._kind):
            raise TypeError(
                f'Property "{self._name}" must be of type {self._kind}, got: {value} '
                f"(type: {type(value)})"
            )
        owner._options[self._name] = value


def create_option(
    name: str, ty: type, docstring: str, default_factory: Callable[[], Any] = lambda: None
) -> property:
    """Returns a property for an option of type `ty`, which is `default_factory()` until it is set."""
    return _option(ty, docstring, default_factory, name)


class OptionsBase:
    """Base of groups of options."""

    _options: dict[str, Any]
    _mutable: bool

    def __init__(self) -> None:
        object.__setattr__(self, "_options", {})
        object.__setattr__(self, "_mutable", True)

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._mutable:
            raise ValueError(
                "Mutating `tf.data.Options()` returned by `tf.data.Dataset.options()` has no effect. "
                "Use `tf.data.Dataset.with_options(options)` to set or update dataset options."
            )
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
        if not isinstance(other, type(self)):
            return NotImplemented
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _set_mutable(self, mutable: bool) -> None:
        """Sets whether options can be set."""
        for value in self._options.values():
            if isinstance(value, OptionsBase):
                value._set_mutable(mutable)
        object.__setattr__(self, "_mutable", mutable)

    @classmethod
    def _own(cls) -> list[str]:
        """The names of the options."""
        return [name for name, value in vars(cls).items() if isinstance(value, property)]

    def _to_proto(self) -> Any:
        """Returns the options as a message."""
        proto = getattr(messages, type(self).__name__)()
        for name in self._own():
            value = getattr(self, name)
            field = _FIELDS.get(name, name)
            if value is None or name in _ALIASES:
                continue
            if isinstance(value, OptionsBase):
                getattr(proto, field).CopyFrom(value._to_proto())
            elif isinstance(value, list):
                getattr(proto, field).extend(value)
            else:
                setattr(proto, field, value.value if isinstance(value, enum.Enum) else value)
        return proto

    def _from_proto(self, pb: Any) -> None:
        """Sets the options that a message has."""
        for name in self._own():
            field = _FIELDS.get(name, name)
            if name in _ALIASES:
                continue
            option: Any = getattr(pb, field)
            if name in _ENUMS:
                option = _ENUMS[name](option)
            if name == "framework_type":
                if option:
                    self.framework_type = list(option)
            elif name == "auto_shard_policy":
                self.auto_shard_policy = option
            elif isinstance(getattr(self, name), OptionsBase):
                getattr(self, name)._from_proto(option)
            elif pb.WhichOneof(f"optional_{field}") is not None:
                setattr(self, name, option)


def merge_options(*options_list: Any) -> Any:
    """Returns options with the values of the last ones that have another than the default.

    Raises:
      TypeError: they are of different types, or no options.
      ValueError: there are none.
    """
    if not options_list:
        raise ValueError("At least one options should be provided")
    kind = type(options_list[0])
    for options in options_list:
        if not isinstance(options, kind):
            raise TypeError(
                f"Could not merge incompatible options of type {type(options)} and {kind}."
            )
    if not issubclass(kind, OptionsBase):
        raise TypeError(
            "All options to be merged should inherit from `OptionsBase` but found option of type "
            f"{kind} which does not."
        )
    defaults, result = kind(), kind()
    for options in options_list:
        for name in list(options._options):
            earlier, value, default = (getattr(o, name) for o in (result, options, defaults))
            if value == default:
                continue
            if earlier != default and isinstance(earlier, OptionsBase):
                value = merge_options(earlier, value)
            elif earlier != default and isinstance(earlier, list):
                value = earlier + value
            elif earlier not in (default, value):
                logger.warning(
                    "Changing the value of option %s from %r to %r.", name, earlier, value
                )
            elif isinstance(value, OptionsBase):
                value = merge_options(value)  # the result's own, which may be set
            setattr(result, name, value)
    return result


# Options with renamed fields, options with equal names, and enumerations.
_FIELDS = {
    "autotune": "autotune_options",
    "experimental_distribute": "distribute_options",
    "experimental_external_state_policy": "external_state_policy",
    "experimental_optimization": "optimization_options",
    "experimental_service": "service_options",
    "experimental_slack": "slack",
    "experimental_symbolic_checkpoint": "symbolic_checkpoint",
    "experimental_warm_start": "warm_start",
    "threading": "threading_options",
}
_ALIASES = ("experimental_deterministic", "experimental_threading")
_ENUMS = {
    "auto_shard_policy": AutoShardPolicy,
    "autotune_algorithm": AutotuneAlgorithm,
    "experimental_external_state_policy": ExternalStatePolicy,
}


@export("data.experimental.AutotuneOptions")
class AutotuneOptions(OptionsBase):
    """Options for choosing parallelism and buffer sizes."""

    enabled = _option(bool, "Whether to choose parallelism at run time.")
    cpu_budget = _option(int, "The number of cores to use.")
    ram_budget = _option(int, "The bytes of memory to use.")
    autotune_algorithm = _option(AutotuneAlgorithm, "Algorithm that chooses.")
    initial_parallelism = _option(int, "Parallelism to start with.")
    min_parallelism = _option(int, "The least parallelism.")


@export("data.experimental.DistributeOptions")
class DistributeOptions(OptionsBase):
    """Options for dividing a dataset among workers."""

    auto_shard_policy = _option(
        AutoShardPolicy, "Policy of dividing a dataset among workers.", lambda: AutoShardPolicy.AUTO
    )
    num_devices = _option(int, "The number of devices fed.")


@export("data.experimental.OptimizationOptions")
class OptimizationOptions(OptionsBase):
    """Allowed rewrites of a pipeline. Results do not depend on them."""

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
class ServiceOptions(OptionsBase):
    """Options of datasets produced by a service."""

    pinned = _option(bool, "Whether tensors stand in page-locked memory.")


@export("data.ThreadingOptions", "data.experimental.ThreadingOptions")
class ThreadingOptions(OptionsBase):
    """Thread settings."""

    max_intra_op_parallelism = _option(int, "Threads of one op.")
    private_threadpool_size = _option(int, "Threads of the pipeline.")


@export("data.Options")
class Options(OptionsBase):
    """Options of a dataset, set with `dataset.with_options(options)`.

    >>> options = tf.data.Options()
    >>> options.deterministic = False
    >>> tf.data.Dataset.range(3).with_options(options).options().deterministic
    False
    """

    autotune = _option(AutotuneOptions, "Options of autotuning.", AutotuneOptions)
    dataset_name = _option(str, "A name for messages.")
    deterministic = _option(bool, "True if the order of elements is fixed.")
    experimental_deterministic = _option(bool, "The same, deprecated.", name="deterministic")
    experimental_distribute = _option(
        DistributeOptions, "Options of distribution.", DistributeOptions
    )
    experimental_external_state_policy = _option(ExternalStatePolicy, "About outside state.")
    experimental_optimization = _option(
        OptimizationOptions, "Options of graph rewrites.", OptimizationOptions
    )
    experimental_service = _option(
        ServiceOptions, "Options of the tf.data service.", ServiceOptions
    )
    experimental_slack = _option(bool, "Start the host's work late.")
    experimental_symbolic_checkpoint = _option(bool, "Checkpoint cursors, not buffers.")
    experimental_threading = _option(
        ThreadingOptions, "Deprecated.", ThreadingOptions, name="threading"
    )
    experimental_warm_start = _option(bool, "Start threads early.", lambda: Testing.is_on or None)
    framework_type = _option(list, "Who made the pipeline.")
    threading = _option(ThreadingOptions, "Options of threads.", ThreadingOptions)

    def merge(self, options: "Options") -> "Options":
        """Returns these options with those of others in front of them.

        Args:
          options: a `tf.data.Options`.

        Returns:
          A new `tf.data.Options`.
        """
        return merge_options(self, options)
