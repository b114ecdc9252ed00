"""Modules that import public names late and warn of old ones, as `tensorflow.python.util.module_wrapper` does."""

import cmd
import pickle
import types

import pytest

from penstock._src.bridge.python.platform import tf_logging
from penstock._src.bridge.python.util import deprecated_module, deprecation, module_wrapper
from penstock._src.v1.names import renames


def wrapped(name="test", apis=None, **options):
    module = types.ModuleType(name)
    module.own, module._hidden = 1, 2
    return module_wrapper.TFModuleWrapper(module, "test", public_apis=apis, **options)


def test_public_names_are_imported_when_they_are_used():
    module = wrapped(apis={"late": ("", "cmd"), "Cmd": ("cmd", "Cmd")}, deprecation=False)
    assert "late" not in module.__dict__ and not module._fastdict_key_in("late")
    assert module.late is cmd and module.Cmd is cmd.Cmd
    assert module.__dict__["late"] is cmd and module._fastdict_get("late") is cmd
    assert {"late", "Cmd", "own"} <= set(module.__all__) and "_hidden" not in module.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_names_are_set_and_deleted():
    module = wrapped()
    for value in (3, 4):
        module.added = value
        assert module.added == value and "added" in module.__all__
    del module.added
    assert not hasattr(module, "added") and "added" not in module.__all__
    restored = pickle.loads(pickle.dumps(wrapped("cmd")))
    assert restored is cmd


@pytest.fixture
def warnings(monkeypatch):
    """The warnings that are logged from now on."""
    found = []
    monkeypatch.setattr(tf_logging, "warning", lambda text, *values: found.append(text % values))
    return found


def test_old_names_are_warned_of_once(monkeypatch, warnings):
    monkeypatch.setitem(renames.symbol_renames, "tf.test.own", "tf.other")
    module = wrapped()
    assert (module.own, module.own, module._hidden) == (1, 1, 2)
    (warning,) = warnings
    assert "The name tf.test.own is deprecated. Please use tf.other instead" in warning


def test_uses_of_version_1_are_noted(monkeypatch):
    monkeypatch.setattr(module_wrapper.TFModuleWrapper, "compat_v1_usage_recorded", False)
    wrapped(apis={"late": ("", "cmd")}).late  # noqa: B018
    assert not module_wrapper.TFModuleWrapper.compat_v1_usage_recorded
    wrapped("tensorflow.compat.v1", apis={"late": ("", "cmd")}).late  # noqa: B018
    assert module_wrapper.TFModuleWrapper.compat_v1_usage_recorded


def test_a_moved_module_warns_once(warnings):
    look_up = deprecation.deprecate_moved_module("old", cmd, "2.9")
    assert look_up("Cmd") is look_up("Cmd") is cmd.Cmd
    assert len(warnings) == 1 and "Module old has been moved to cmd" in warnings[0]
    assert deprecated_module.a() == 1
