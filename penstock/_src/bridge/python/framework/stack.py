"""`tensorflow.python.framework.stack`: the sessions that are the default in this thread."""

from __future__ import annotations

import contextlib
from typing import Any

from penstock._src.v1.graphs.session import forget_default_sessions, get_default_session


class _DefaultSessions:
    """The default sessions, innermost last."""

    get_default = staticmethod(get_default_session)
    reset = staticmethod(forget_default_sessions)


_default_session_stack = _DefaultSessions()


def default_session(session: Any) -> contextlib.AbstractContextManager[Any]:
    """Returns a context in which `Tensor.eval` and `Operation.run` use a session."""
    return session.as_default()
