"""tf.compat.v1.tpu: only the functions that work without a TPU."""

import contextlib
import enum
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.training.optimizers import Optimizer
from penstock._src.v1.variables.scopes import variable_scope


@export(v1=["tpu.PaddingSpec"])
class PaddingSpec(enum.IntEnum):
    """Padding of dynamic shapes."""

    AUTO = 0
    POWER_OF_TWO = 1


@export(v1=["tpu.core"])
def core(num: int) -> str:
    """The name of a core of a replica."""
    return f"device:TPU_REPLICATED_CORE:{num}"


@export(v1=["tpu.bfloat16_scope"])
@contextlib.contextmanager
def bfloat16_scope(name: str | None = None) -> Iterator[Any]:
    """A variable scope that stores bfloat16 variables in float32 and reads them as bfloat16."""
    with variable_scope(name or "", custom_getter=_wide) as scope:
        yield scope


def _wide(getter: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:
    if kwargs.get("dtype") is not dtypes.bfloat16:
        return getter(name, *args, **kwargs)
    kwargs["dtype"] = dtypes.float32
    return raw.Cast(x=getter(name, *args, **kwargs).value(), DstT=dtypes.bfloat16)


@export(v1=["tpu.outside_compilation"])
def outside_compilation(computation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls `computation` directly, as TPU computations do not exist here."""
    return computation(*args, **kwargs)


@export(v1=["tpu.CrossShardOptimizer"])
class CrossShardOptimizer(Optimizer):
    """An optimizer that sums gradients over the cores of a TPU.

    Args:
      opt: the optimizer that makes the steps.
      reduction: "weighted_sum" or "weighted_mean".
      name: of the operations.
      group_assignment: the groups of cores to sum over.

    Raises:
      ValueError: the reduction is unknown.
      TypeError: `opt` is not an optimizer.
    """

    def __init__(
        self,
        opt: Any,
        reduction: str = "weighted_mean",
        name: str = "CrossShardOptimizer",
        group_assignment: Any = None,
    ) -> None:
        if reduction not in ("weighted_sum", "weighted_mean"):
            raise ValueError(f"Unsupported reduction: {reduction}.")
        if not isinstance(opt, Optimizer):
            raise TypeError(
                "CrossShardOptimizer only works with tf.training.Optimizer and not Keras Optimizer."
            )
        super().__init__(False, name)
        self._opt, self._reduction, self._groups = opt, reduction, group_assignment

    def compute_gradients(self, loss: Any, var_list: Any = None, **kwargs: Any) -> Any:
        """Delegates to the wrapped optimizer: without a TPU computation there is one shard."""
        return self._opt.compute_gradients(loss, var_list=var_list, **kwargs)

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None
    ) -> Any:
        """Raises UnimplementedError: there are no TPU cores to sum over."""
        raise UnimplementedError("tf.compat.v1.tpu.CrossShardOptimizer: TPUs are not implemented.")

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """Delegates to the wrapped optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """Delegates to the wrapped optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Any]:
        """Delegates to the wrapped optimizer."""
        return self._opt.variables()
