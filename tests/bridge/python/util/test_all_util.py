"""Names of modules that docstrings mention are kept, others can be removed."""

import sys
import types

import pytest

from penstock._src.bridge.python.util import all_util


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("documented", "What it offers:\n\n@@first\n@@absent\n")
    made.first, made.second, made.third, made._own = 1, 2, 3, 4
    monkeypatch.setitem(sys.modules, "documented", made)
    return made


def test_names_that_docstrings_do_not_mention_are_removed(module):
    assert all_util.make_all("documented") == ["first"]
    all_util.remove_undocumented("documented", ["third"])
    assert (module.first, module.third, module._own) == (1, 3, 4)
    assert not hasattr(module, "second")
    all_util.reveal_undocumented("documented.second")
    assert module.second == 2
    with pytest.raises(LookupError, match="not a hidden symbol"):
        all_util.reveal_undocumented("documented.first")
