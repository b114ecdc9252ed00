"""CentralStorageStrategy: replicas on several devices of this process, which share variables on one device."""

import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.api.config import devices as config
from penstock._src.api.config.placement import full_names
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.dispatch import device
from penstock._src.distribute.context import Entered, current
from penstock._src.distribute.cross_device_ops import reductions_for
from penstock._src.distribute.mirrored.strategy import (
    MirroredExtended,
    MirroredReplicaContext,
)
from penstock._src.distribute.mirrored.variables import aggregated, give_updates
from penstock._src.distribute.strategy import Strategy
from penstock._src.distribute.values import DistributedValues, ReduceOp
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("distribute.experimental.CentralStorageStrategy", v1=[])
class CentralStorageStrategy(Strategy):
    """Variables on one device, a replica on each of several devices of this process.

    Args:
      compute_devices: the devices that compute; by default all GPUs, or the first CPU if there is no GPU.
      parameter_device: the device of the variables; by default the one GPU that computes, or else the CPU.

    >>> strategy = tf.distribute.experimental.CentralStorageStrategy(["CPU:0"], "CPU:0")
    >>> strategy.num_replicas_in_sync
    1
    """

    # TensorFlow's first number of collective operations; nothing is numbered here.
    _collective_key_base = 0

    def __init__(self, compute_devices: Any = None, parameter_device: str | None = None) -> None:
        name = type(self).__name__
        gpus = [each.name for each in config.logical_devices("GPU")] if has_gpus() else []
        self.devices = full_names(name, compute_devices or gpus or ["CPU:0"])
        if parameter_device is None:
            is_gpu = len(self.devices) == 1 and "GPU" in self.devices[0]
            parameter_device = self.devices[0] if is_gpu else "/device:CPU:0"
        else:
            full_names(name, [parameter_device])
        self.parameter_device = parameter_device
        self.cross_device_ops = reductions_for(self.devices)
        self._functions: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        super().__init__(CentralStorageExtended(self))


class AggregatingVariable(Variable):
    """The view of a variable that all replicas share: what they assign is combined first.

    Args:
      strategy: the strategy that made it.
      v: the variable itself, which it reads and assigns.
      aggregation: how the values that replicas assign are combined.
    """

    _distribute_strategy: Any
    _v: Variable

    def __init__(self, strategy: Any, v: Variable, aggregation: VariableAggregation) -> None:
        self.__dict__.update(vars(v), _distribute_strategy=strategy, _v=v, _aggregation=aggregation)
        object.__setattr__(v, "_distribute_strategy", strategy)

    distribute_strategy = read_only("_distribute_strategy", "The strategy that made it.")

    def get(self) -> Variable:
        """Returns the variable itself."""
        return self._v


def _update(variable: AggregatingVariable, method: str, /, value: Any, **kwargs: Any) -> Any:
    """Updates the variable; in replicas, once for all of them, by the aggregated value.

    Raises:
      ValueError: in replicas, for a variable that does not aggregate.
    """
    strategy, context = current()
    if context is None or strategy.num_replicas_in_sync == 1:
        return getattr(variable._v, method)(value, **kwargs)
    if variable.aggregation is VariableAggregation.NONE:
        raise ValueError(
            f"{method}: a variable of {type(strategy).__name__} is updated in replicas only if it has an `aggregation`, such as "
            f"tf.VariableAggregation.SUM. Received '{variable.name}', which has none."
        )

    def merge(strategy: Any, values: Any) -> Any:
        return getattr(variable._v, method)(aggregated(strategy, values, variable), **kwargs)

    return context.merge_call(merge, (value,))


give_updates(AggregatingVariable, _update)


class CentralStorageExtended(MirroredExtended):
    """The hooks of `CentralStorageStrategy`."""

    parameter_devices = property(
        lambda self: (self._strategy.parameter_device,), doc="The device that holds variables."
    )

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        strategy, context = self._strategy, current()[1]

        def create(**options: Any) -> Any:
            with Entered(strategy, None), device(strategy.parameter_device):
                variable = next_creator(**options)
            if strategy.num_replicas_in_sync == 1:
                variable._distribute_strategy = strategy
                return variable
            return AggregatingVariable(strategy, variable, variable.aggregation)

        if isinstance(context, MirroredReplicaContext):
            return context.create(create, **kwargs)
        return create(**kwargs)

    def _reduce_to(self, reduce_op: ReduceOp, value: Any, destinations: Any, options: Any) -> Any:
        result = super()._reduce_to(reduce_op, value, destinations, options)
        return result.values[0] if isinstance(result, DistributedValues) else result

    def _update(self, var: Any, fn: Callable[..., Any], args: Any, kwargs: Any, group: bool) -> Any:
        inner = var.get() if isinstance(var, AggregatingVariable) else var
        return super()._update(inner, fn, args, kwargs, group)
