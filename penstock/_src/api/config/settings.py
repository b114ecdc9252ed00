"""Threads, optimizer options, synchronous execution and TF32."""

from penstock._src.native import ask_for_threads
from penstock._src.util.export import export
from penstock._src.util.flags import flags

from .start import SETTINGS

_FLAGS: dict[str, bool] = {}

# Options that are on or off, as against those that are on, off or unset.
_PLAIN_OPTIONS = ("disable_model_pruning", "disable_meta_optimizer")
OPTIMIZER_OPTIONS = (
    "layout_optimizer constant_folding shape_optimization remapping arithmetic_optimization "
    "dependency_optimization loop_optimization function_optimization debug_stripper "
    "disable_model_pruning scoped_allocator_optimization pin_to_host_optimization "
    "implementation_selector auto_mixed_precision disable_meta_optimizer min_graph_nodes "
    "auto_parallel"
).split()


@export("config.optimizer.get_experimental_options")
def get_experimental_options():
    """Returns the options of the graph optimizer that have been set.

    Returns:
      A dictionary.

    >>> isinstance(tf.config.optimizer.get_experimental_options(), dict)
    True
    """
    known = {k: v for k, v in SETTINGS.optimizer.items() if k in OPTIMIZER_OPTIONS}
    return {**dict.fromkeys(_PLAIN_OPTIONS, False), **known}


@export("config.optimizer.set_experimental_options")
def set_experimental_options(options):
    """Sets options of the graph optimizer.

    They are remembered; the compiler has passes of its own, which `PENSTOCK_DISABLE` leaves out.

    Args:
      options: a dictionary of names of TensorFlow's options and bools.

    >>> tf.config.optimizer.set_experimental_options({"constant_folding": True})
    >>> tf.config.optimizer.get_experimental_options()["constant_folding"]
    True
    """
    SETTINGS.optimizer.update(options)


@export("config.optimizer.get_jit")
def get_jit():
    """ "autoclustering" if requested, else ""; functions are always compiled.

    Returns:
      A str.
    """
    return "autoclustering" if SETTINGS.jit else ""


@export("config.optimizer.set_jit")
def set_jit(enabled):
    """Requests compilation of clusters; functions are always compiled.

    Args:
      enabled: True or "autoclustering" to request it; False.
    """
    SETTINGS.jit = enabled in (True, "autoclustering")


@export("config.threading.get_inter_op_parallelism_threads")
def get_inter_op_parallelism_threads():
    """The number set; 0: the default.

    Returns:
      An int.
    """
    return SETTINGS.threads["inter"] or 0


@export("config.threading.set_inter_op_parallelism_threads")
def set_inter_op_parallelism_threads(num_threads):
    """Sets how many operations run at once; it has no effect, as all kernels share one pool.

    Args:
      num_threads: an integer.

    Raises:
      RuntimeError: operations have run already.

    >>> tf.config.threading.get_inter_op_parallelism_threads()
    0
    """
    if SETTINGS.threads["inter"] == num_threads:
        return
    SETTINGS.refuse_if_started("Inter op parallelism cannot be modified after initialization.")
    SETTINGS.threads["inter"] = int(num_threads)


@export("config.threading.get_intra_op_parallelism_threads")
def get_intra_op_parallelism_threads():
    """The number set; 0: one for each core that this process may use.

    Returns:
      An int.
    """
    return SETTINGS.threads["intra"] or 0


@export("config.threading.set_intra_op_parallelism_threads")
def set_intra_op_parallelism_threads(num_threads):
    """Sets the number of threads per kernel; must be called before any computation.

    Args:
      num_threads: the number; 0: one for each core that this process may use.

    Raises:
      ValueError: it is negative.
      RuntimeError: the thread pool exists already.

    >>> tf.config.threading.get_intra_op_parallelism_threads()
    0
    """
    wanted = int(num_threads)
    if wanted < 0:
        raise ValueError(
            "set_intra_op_parallelism_threads: `num_threads` must be at least 0. "
            f"Received: num_threads={num_threads!r}."
        )
    if wanted == SETTINGS.threads["intra"]:
        return
    message = "Intra op parallelism cannot be modified after initialization."
    SETTINGS.refuse_if_started(message)
    if not ask_for_threads(wanted) and not SETTINGS.was_reset:
        raise RuntimeError(message)
    SETTINGS.threads["intra"] = wanted


@export("config.experimental.get_synchronous_execution")
def get_synchronous_execution():
    """Returns the value set, by default True: eager ops always finish before they return.

    Returns:
      A bool.
    """
    return SETTINGS.synchronous


@export("config.experimental.set_synchronous_execution")
def set_synchronous_execution(enable):
    """Has no effect: eager ops always finish before they return.

    Args:
      enable: what `get_synchronous_execution` then returns; None means True.
    """
    SETTINGS.synchronous = True if enable is None else bool(enable)


@export("config.experimental.tensor_float_32_execution_enabled")
def tensor_float_32_execution_enabled():
    """True if products of float32 may be rounded to TF32 on GPUs that have it.

    Returns:
      What was set with `enable_tensor_float_32_execution`, by default True.
    """
    return bool(flags.tensor_float_32)


@export("config.experimental.enable_tensor_float_32_execution")
def enable_tensor_float_32_execution(enabled):
    """Allows or forbids rounding to TF32 (10 bits after the point) in float32 products and convolutions on GPUs that have it.

    It holds for functions that are compiled from here on. CPUs compute in float32.

    Args:
      enabled: a bool.
    """
    flags.tensor_float_32 = int(bool(enabled))


@export("config.experimental.enable_mlir_bridge")
def enable_mlir_bridge():
    """Records the request, without an effect: there is one compiler."""
    SETTINGS.mlir_bridge = True


@export("config.experimental.disable_mlir_bridge")
def disable_mlir_bridge():
    """Records the request, without an effect: there is one compiler."""
    SETTINGS.mlir_bridge = False


@export("experimental.async_clear_error", v1=["experimental.async_clear_error"])
def async_clear_error():
    """Does nothing: eager ops raise their errors directly."""


@export("experimental.enable_strict_mode")
def enable_strict_mode():
    """Turns warnings about deprecated behavior into errors."""
    _FLAGS["strict"] = True


def strict_mode() -> bool:
    """True if the use of deprecated behavior is an error."""
    return bool(_FLAGS.get("strict"))
