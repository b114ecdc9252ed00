"""Threads, optimizer options, synchronous execution and TF32."""

from penstock._src.native import ask_for_threads
from penstock._src.util.export import export

_OPTIMIZER: dict[str, object] = {}
_THREADS = {"inter": 0, "intra": 0}
_FLAGS = {"tf32": True, "synchronous": True, "jit": False, "eager_functions": False}
OPTIMIZER_OPTIONS = (
    "layout_optimizer constant_folding shape_optimization remapping arithmetic_optimization "
    "dependency_optimization loop_optimization function_optimization debug_stripper "
    "disable_model_pruning scoped_allocator_optimization pin_to_host_optimization "
    "implementation_selector auto_mixed_precision disable_meta_optimizer min_graph_nodes "
    "auto_parallel"
).split()


@export("config.optimizer.get_experimental_options")
def get_experimental_options():
    """The graph optimizer's options that have been set."""
    return dict(_OPTIMIZER)


@export("config.optimizer.set_experimental_options")
def set_experimental_options(options):
    """Sets options of the graph optimizer; the compiler's own passes do not depend on them."""
    _OPTIMIZER.update({k: v for k, v in options.items() if k in OPTIMIZER_OPTIONS})


@export("config.optimizer.get_jit")
def get_jit():
    """ "autoclustering" if requested, else ""; functions are always compiled."""
    return "autoclustering" if _FLAGS["jit"] else ""


@export("config.optimizer.set_jit")
def set_jit(enabled):
    """Requests compilation of clusters; functions are always compiled."""
    if enabled not in (True, False, "autoclustering"):
        raise ValueError(f"Invalid value for `enabled`: {enabled!r}")
    _FLAGS["jit"] = bool(enabled)


@export("config.threading.get_inter_op_parallelism_threads")
def get_inter_op_parallelism_threads():
    """The number set; 0: the default."""
    return _THREADS["inter"]


@export("config.threading.set_inter_op_parallelism_threads")
def set_inter_op_parallelism_threads(num_threads):
    """Sets the number of ops that run in parallel; no effect, since all kernels share one pool."""
    _THREADS["inter"] = int(num_threads)


@export("config.threading.get_intra_op_parallelism_threads")
def get_intra_op_parallelism_threads():
    """The number set; 0: one for each core that this process may use."""
    return _THREADS["intra"]


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
    if wanted == _THREADS["intra"]:
        return
    if not ask_for_threads(wanted):
        raise RuntimeError("Intra op parallelism cannot be modified after initialization.")
    _THREADS["intra"] = wanted


@export("config.experimental.get_synchronous_execution")
def get_synchronous_execution():
    """True: eager ops always finish before they return."""
    return _FLAGS["synchronous"]


@export("config.experimental.set_synchronous_execution")
def set_synchronous_execution(enable):
    """No effect: eager ops always finish before they return."""
    _FLAGS["synchronous"] = True if enable is None else bool(enable)


@export("config.experimental.tensor_float_32_execution_enabled")
def tensor_float_32_execution_enabled():
    """Whether TF32 is allowed on GPUs that have it."""
    return _FLAGS["tf32"]


@export("config.experimental.enable_tensor_float_32_execution")
def enable_tensor_float_32_execution(enabled):
    """Allows TF32 on GPUs that have it."""
    _FLAGS["tf32"] = bool(enabled)


@export("config.experimental.enable_mlir_bridge")
def enable_mlir_bridge():
    """Does nothing: there is one compiler."""


@export("config.experimental.disable_mlir_bridge")
def disable_mlir_bridge():
    """Does nothing: there is one compiler."""


@export("experimental.async_clear_error", v1=["experimental.async_clear_error"])
def async_clear_error():
    """Does nothing: eager ops raise their errors directly."""


@export("experimental.enable_strict_mode")
def enable_strict_mode():
    """Turns warnings about deprecated behavior into errors."""
    _FLAGS["strict"] = True
