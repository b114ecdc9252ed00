"""tf.debugging.breakpoint: a line at which a function stops in the debugger."""

import sys
from collections.abc import Callable
from typing import Any

from penstock._src.core.calls import lines
from penstock._src.core.dispatch import STATE
from penstock._src.util.export import export


@export("debugging.breakpoint", v1=[])
def breakpoint(
    when: Callable[..., Any] | None = None, stdin: Any = None, stdout: Any = None
) -> None:
    """Stops here in Python's debugger, also where a compiled function runs.

    In a function that is traced, a Keras layer or a `train_step`, the compiled program stays what it is. Each run of it keeps its inputs and
    is repeated line by line before its results are handed out: `pdb` opens behind this line, with the names of the program as tensors with values.
    `next` and `step` go on through forward and backward lines, `continue` goes on compiled. AutoGraph does the same for Python's `breakpoint()`.

    Args:
      when: a function whose parameters are names of the program, such as `lambda loss: loss > 10.0`: stop if it returns True for their values.
      stdin, stdout: files of the dialogue, by default the terminal or notebook.

    >>> import io
    >>> @tf.function
    ... def f(x):
    ...     y = x * 2.0
    ...     tf.debugging.breakpoint(stdin=io.StringIO("p y.numpy()\\nc\\n"), stdout=dialogue)
    ...     return y + 1.0
    >>> dialogue = io.StringIO()
    >>> f(tf.constant(3.0)).numpy()
    np.float32(7.0)
    >>> "np.float32(6.0)" in dialogue.getvalue() or "6.0" in dialogue.getvalue()
    True
    """
    streams = None if stdin is None and stdout is None else (stdin, stdout)
    frame, graph = sys._getframe(1), STATE.graph
    if graph is not None:
        at = None if graph.building_function else frame
        lines.mark(lines.Mark(when, streams, at, frame.f_lineno), graph)
        return
    if when is not None and not lines.holds(when, frame.f_locals):
        return
    import pdb  # few programs stop

    pdb.Pdb(stdin=stdin, stdout=stdout).set_trace(frame)
