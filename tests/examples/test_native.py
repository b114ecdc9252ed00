"""The example of a model that learns on the device, by a program of C++."""

import shutil

import pytest

from . import lean_running


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_the_model_learns_its_owners_hand():
    run = lean_running.run("native/digits")
    assert run.value("before") < 0.6 and run.value("after") > 0.8
    assert "A wrong call is refused: image has another type" in run.output
