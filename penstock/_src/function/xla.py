"""tf.xla.experimental: requests for compilation; Penstock compiles every program anyway."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.function.function import function
from penstock._src.graph.operation import Operation
from penstock._src.util import nest
from penstock._src.util.export import export


@export("xla.experimental.compile")
def compile(computation: Callable[..., Any], inputs: Any = None) -> Any:
    """Returns the results of a function that is compiled as one.

    Args:
      computation: a function of tensors.
      inputs: a list of its arguments.

    Returns:
      A list of its results; None for an operation.

    Raises:
      RuntimeError: in eager execution: `tf.function` compiles there.

    >>> @tf.function
    ... def run():
    ...     return tf.xla.experimental.compile(lambda x: x * 2, [tf.constant(3)])
    >>> run()[0].numpy()
    np.int32(6)
    """
    arguments = [
        nest.map_structure(convert_to_tensor, value) if value is not None else None
        for value in inputs or ()
    ]
    graph = STATE.graph
    if graph is None:
        run = function(lambda: _outputs(computation(*arguments)), autograph=False, jit_compile=True)
        return run()
    was_for_xla, graph.is_for_xla = graph.is_for_xla, True
    try:
        return _outputs(computation(*arguments))
    finally:
        graph.is_for_xla = was_for_xla


def _outputs(results: Any) -> Any:
    if results is not None and not isinstance(results, (list, tuple, Operation)):
        if nest.is_nested(results):
            return nest.map_structure(_tensor, results)
        results = [results]
    if isinstance(results, (list, tuple)) and any(nest.is_nested(r) for r in results):
        return nest.map_structure(_tensor, results)
    listed = [] if results is None else results if isinstance(results, (list, tuple)) else [results]
    operations = [r for r in listed if isinstance(r, Operation)]
    tensors = [_tensor(r) for r in listed if not isinstance(r, Operation)]
    if STATE.graph is None:
        return tensors or None
    with STATE.graph.control_dependencies(operations):
        return [raw.Identity(input=t) for t in tensors] if tensors else raw.NoOp()


def _tensor(value: Any) -> Any:
    try:
        return convert_to_tensor(value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            "XLA computation function return values must all either be Operations or convertible "
            f'to Tensors. Got error: "{error}"'
        ) from error


@export("xla.experimental.jit_scope")
@contextlib.contextmanager
def jit_scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """A context that compiles its operations. Functions are always compiled.

    Args:
      compile_ops: a hint without effect.
      separate_compiled_gradients: a hint without effect.

    Returns:
      A context manager.

    Raises:
      RuntimeError: in eager execution.

    >>> @tf.function
    ... def double(x):
    ...     with tf.xla.experimental.jit_scope():
    ...         return x * 2
    >>> double(tf.constant(4)).numpy()
    np.int32(8)
    """
    if STATE.graph is None:
        raise RuntimeError(
            "xla.experimental.jit_scope is not supported when eager execution is enabled. Try use "
            "it inside tf.function."
        )
    yield
