"""Functions in slots that others have wrapped meanwhile stay there when they are withdrawn, and pass calls on."""

import pytest

import penstock as tf
from penstock._src.core import dispatch
from penstock._src.distribute.cluster import connected
from penstock._src.eager.constants import make_constant
from penstock._src.eager.execute import execute
from penstock._src.eager.placed import hooks
from penstock._src.util import slots


class Nowhere:
    """A connection to no tasks."""

    names: tuple[str, ...] = ()


@pytest.fixture
def nothing_installed(monkeypatch):
    """The slots as at the start of a process: other tests may have left functions in them, and do not see what this one leaves."""
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute)
    monkeypatch.setattr(slots, "RUN_FUNCTION", None)
    monkeypatch.setattr(slots, "MAKE_CONSTANT", make_constant)
    monkeypatch.setattr(dispatch, "OBSERVED", [])
    monkeypatch.setattr(hooks, "_PLAIN", [])
    monkeypatch.setattr(connected, "_PLAIN", [])
    monkeypatch.setattr(connected, "_CONNECTIONS", [])


@pytest.mark.parametrize(
    ("install", "withdraw", "own"),
    [
        (hooks.install, hooks.uninstall, hooks._run_op),
        (lambda: connected.use(Nowhere()), connected.disconnect, connected._run_op),
    ],
    ids=["GPUs", "cluster"],
)
def test_what_wraps_withdrawn_functions_stays(nothing_installed, install, withdraw, own):
    install()
    assert slots.RUN_EAGERLY is own

    calls = []

    def wrap(cls, inputs, attrs):
        calls.append(cls.op_type)
        return own(cls, inputs, attrs)

    slots.RUN_EAGERLY = wrap
    withdraw()
    assert slots.RUN_EAGERLY is wrap
    assert float(tf.constant(1.0) + 2.0) == 3.0 and "AddV2" in calls
    assert float(tf.function(lambda x: x * 2.0)(tf.constant(3.0))) == 6.0
    slots.RUN_EAGERLY = own
    withdraw()
    assert slots.RUN_EAGERLY is execute
