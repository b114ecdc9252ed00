"""tf.compat.v1.mixed_precision: gives optimizers a loss scale."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.config.settings import set_experimental_options
from penstock._src.util.export import export
from penstock._src.v1.process import log
from penstock._src.v1.process.mixed_precision_state import (
    is_using_mixed_precision_policy,
    non_mixed_precision_session_created,
    set_mixed_precision_graph_rewrite_enabled,
)
from penstock._src.v1.training.loss_scale import MixedPrecisionLossScaleOptimizer
from penstock._src.v1.training.optimizers import Optimizer

# {class of optimizers: (what gives one a loss scale, the class of the result)}
_WRAPPERS: dict[type, tuple[Callable[..., Any], Any]] = {
    Optimizer: (MixedPrecisionLossScaleOptimizer, MixedPrecisionLossScaleOptimizer)
}


@export("__internal__.mixed_precision.register_loss_scale_wrapper", v1=[])
def register_loss_scale_wrapper(
    optimizer_cls: type, wrapper_fn: Callable[..., Any], wrapper_cls: Any = None
) -> None:
    """Registers how optimizers of a class get a loss scale.

    Args:
      optimizer_cls: the class.
      wrapper_fn: `wrapper_fn(optimizer, loss_scale)`, which returns the optimizer with a scaled loss.
      wrapper_cls: the class of what it returns; by default `wrapper_fn` itself.
    """
    _WRAPPERS[optimizer_cls] = (wrapper_fn, wrapper_cls or wrapper_fn)


def _wrapped(opt: Any, loss_scale: Any) -> Any:
    for _, kind in _WRAPPERS.values():
        if isinstance(opt, kind):
            raise ValueError(
                f'"opt" must not already be an instance of a {kind.__name__}. '
                "`enable_mixed_precision_graph_rewrite` wraps the optimizer in one itself."
            )
    for kind, (wrapper, _) in _WRAPPERS.items():
        if isinstance(opt, kind):
            return wrapper(opt, loss_scale)
    raise ValueError(
        '"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but '
        f"got: {opt}"
    )


@export(
    v1=[
        "mixed_precision.enable_mixed_precision_graph_rewrite",
        "train.experimental.enable_mixed_precision_graph_rewrite",
    ]
)
def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """Returns the optimizer with a scaled loss. Graphs stay in float32, because float16 is not faster on CPUs.

    Args:
      opt: an optimizer.
      loss_scale: a number, "dynamic", or a LossScale.

    Raises:
      ValueError: `opt` is not an optimizer, has a loss scale already, or Keras uses mixed precision by a policy.
    """
    if is_using_mixed_precision_policy():
        raise ValueError(
            "The mixed precision graph rewrite cannot be enabled, because the global Keras dtype Policy has been set "
            "to a mixed precision policy. Use one of the two."
        )
    if non_mixed_precision_session_created():
        log.warning(
            "You already have existing Sessions that do not use mixed precision. "
            "enable_mixed_precision_graph_rewrite() will not affect these Sessions."
        )
    opt = _wrapped(opt, loss_scale)
    set_experimental_options({"auto_mixed_precision": True})
    set_mixed_precision_graph_rewrite_enabled(True)
    return opt


@export(
    v1=[
        "mixed_precision.disable_mixed_precision_graph_rewrite",
        "train.experimental.disable_mixed_precision_graph_rewrite",
    ]
)
def disable_mixed_precision_graph_rewrite() -> None:
    """Withdraws the request for float16; optimizers keep their loss scales."""
    set_experimental_options({"auto_mixed_precision": False})
    set_mixed_precision_graph_rewrite_enabled(False)
