"""tf.debugging.post_mortem: the call that has failed, once more, with a dialogue where it fails."""

from __future__ import annotations

import sys
from typing import Any

from penstock._src.core.calls.tracebacks import failed_call
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.observe.debugger.conditions import stop_at
from penstock._src.util.export import export


@export("debugging.post_mortem", v1=[])
def post_mortem(error: BaseException | None = None, stdin: Any = None, stdout: Any = None) -> bool:
    """Repeats the call of a compiled function that has raised an error, and opens `pdb` at the line that raises.

    It is for notebooks and the interpreter, after an error, where `%debug` shows the frames that called the function, and not the lines within. The call
    is repeated with its arguments: variables are as they are now, and datasets go on with their next elements.

    Args:
      error: the error; by default the last one that was not caught.
      stdin, stdout: files of the dialogue, by default the terminal or notebook.

    Returns:
      True if the call failed again; False if it did not, so that there was nothing to show.

    Raises:
      InvalidArgumentError: there is no such error, or it came from no compiled function.

    >>> import io
    >>> @tf.function
    ... def f(x, i):
    ...     y = x * 2.0
    ...     return tf.gather(y, i)
    >>> try:
    ...     f(tf.constant([1.0]), 7)
    ... except tf.errors.InvalidArgumentError as error:
    ...     dialogue = io.StringIO()
    ...     failed = tf.debugging.post_mortem(error, io.StringIO("p y.numpy().tolist()\\nc\\n"), dialogue)
    >>> failed, "[2.0]" in dialogue.getvalue()
    (True, True)
    """
    if error is None:
        error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    call = None if error is None else failed_call(error)
    if call is None:
        what = (
            "no error was left uncaught"
            if error is None
            else f"{type(error).__name__} came from none"
        )
        raise InvalidArgumentError(
            f"tf.debugging.post_mortem: expected an error of a compiled function; {what}."
        )
    function, args, kwargs = call
    with stop_at("error", stdin=stdin, stdout=stdout):
        try:
            function(*args, **kwargs)
        except Exception as again:
            if type(again) is not type(error):
                raise
            return True
    return False
