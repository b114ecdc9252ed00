"""`tensorflow.python.training.monitored_session`: the layers of a monitored session."""

from penstock._src.v1.monitored.layers import CoordinatedSession as _CoordinatedSession
from penstock._src.v1.monitored.layers import HookedSession as _HookedSession
from penstock._src.v1.monitored.layers import RecoverableSession as _RecoverableSession
from penstock._src.v1.monitored.layers import WrappedSession as _WrappedSession
from penstock._src.v1.monitored.session import USE_DEFAULT
from penstock._src.v1.monitored.session import LayeredSession as _MonitoredSession

__all__ = [
    "USE_DEFAULT",
    "_CoordinatedSession",
    "_HookedSession",
    "_MonitoredSession",
    "_RecoverableSession",
    "_WrappedSession",
]
