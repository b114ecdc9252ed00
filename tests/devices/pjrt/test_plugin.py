"""What is said where there is no plugin, or none that can be used."""

import importlib.util

import pytest

from penstock._src.core.errors import FailedPreconditionError
from penstock._src.devices.pjrt.api import FUNCTIONS, Api
from penstock._src.devices.pjrt.plugin import find_plugin
from penstock._src.util.flags import override


def test_without_a_plugin_the_error_names_what_gives_one(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with (
        override(pjrt_plugin=""),
        pytest.raises(FailedPreconditionError, match="pip install libtpu"),
    ):
        find_plugin()


def test_a_path_without_a_file_is_named(tmp_path):
    missing = tmp_path / "missing.so"
    with override(pjrt_plugin=str(missing)):
        with pytest.raises(FailedPreconditionError, match=f"there is no file {missing}"):
            find_plugin()


def test_a_file_that_is_no_library_is_named(tmp_path):
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(FailedPreconditionError, match="text.so is not a plugin's library"):
        Api(text)


def test_a_library_that_is_no_plugin_is_named():
    import _ctypes  # a library that is there wherever tests run

    with pytest.raises(FailedPreconditionError, match="is not a plugin's library: .*GetPjrtApi"):
        Api(_ctypes.__file__)


def test_functions_are_told_apart_by_their_numbers():
    assert len({f.number for f in FUNCTIONS.values()}) == len(FUNCTIONS)
    put = FUNCTIONS["Client_BufferFromHostBuffer"]
    assert (put.number, put.takes, put.gives) == (22, 11, 2)
