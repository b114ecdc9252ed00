"""Compiling codes, and LLVM's options meanwhile."""

import llvmlite.binding as llvm
import pytest

from penstock._src.native import Module, host
from penstock._src.native import compile as compiling
from penstock._src.native.code import Code


def code_of(name):
    module = Module(host())
    with module.task(name) as f:
        f.store(f.i64(1), f.ctx)
    return Code.of(module)


@pytest.fixture
def options(monkeypatch):
    """The options that are set."""
    said = []
    monkeypatch.setattr(llvm, "set_option", lambda _, option: said.append(option))
    return said


@pytest.mark.skipif(host().architecture != "x86_64", reason="other processors have it")
def test_loop_strength_reduction_is_off_only_while_kernels_are_compiled(options):
    seen = []
    compiling.compile_all([code_of("a"), code_of("b")], 2, lambda *_: seen.append(list(options)))
    assert seen == [["-disable-lsr=true"]] * 2
    assert options == ["-disable-lsr=true", "-disable-lsr=false"]


@pytest.mark.skipif(host().architecture != "x86_64", reason="other processors have it")
def test_loop_strength_reduction_is_on_again_after_an_error(options):
    def fail(*_):
        raise OSError("the disk is full")

    with pytest.raises(OSError):
        compiling.compile_all([code_of("a")], 1, fail)
    assert options[-1] == "-disable-lsr=false"
