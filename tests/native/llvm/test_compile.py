"""Compiling codes, and LLVM's options meanwhile."""

import threading

import llvmlite.binding as llvm
import pytest

from penstock._src.native import Module, host
from penstock._src.native.code import Code
from penstock._src.native.llvm import compile as compiling


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


def compile_all(codes, done):
    with compiling.Compilation(2, done) as compilation:
        for code in codes:
            compilation.add(code)


@pytest.mark.skipif(host().architecture != "x86_64", reason="other processors have it")
def test_loop_strength_reduction_is_off_only_while_kernels_are_compiled(options):
    seen = []
    compile_all([code_of("a"), code_of("b")], lambda *_: seen.append(list(options)))
    assert seen == [["-disable-lsr=true"]] * 2
    assert options == ["-disable-lsr=true", "-disable-lsr=false"]


@pytest.mark.skipif(host().architecture != "x86_64", reason="other processors have it")
def test_an_error_ends_the_compilation(options):
    def fail(*_):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        compile_all([code_of("a"), code_of("b")], fail)
    assert options[-1] == "-disable-lsr=false"


def test_a_code_is_compiled_while_others_are_written():
    compiled = threading.Event()
    with compiling.Compilation(2, lambda *_: compiled.set()) as compilation:
        compilation.add(code_of("a"))
        assert compiled.wait(60)
        compilation.add(code_of("b"))


def test_codes_that_wait_are_left_after_an_error_of_the_writer():
    done = []
    with pytest.raises(KeyError), compiling.Compilation(1, lambda c, _: done.append(c)) as threads:
        threads.add(code_of("a"))
        raise KeyError
    assert not done


def test_ctrl_c_while_a_thread_is_started_is_raised(options, monkeypatch):
    class Interrupted(threading.Thread):
        def start(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_all([code_of("a")], lambda *_: None)
    assert options[-1:] in ([], ["-disable-lsr=false"])  # only of x86-64


def test_a_thread_that_begins_after_ctrl_c_compiles_nothing(monkeypatch):
    done, late = [], []

    class Late(threading.Thread):
        def start(self):
            late.append(super().start)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Thread", Late)
    with pytest.raises(KeyboardInterrupt):
        compile_all([code_of("a")], lambda *given: done.append(given))
    late[0]()
    late[0].__self__.join(60)
    assert not done and not late[0].__self__.is_alive()


def test_target_machines_are_made_for_as_many_threads_as_compile_at_once(monkeypatch):
    monkeypatch.setattr(compiling, "_MACHINES", compiling._Machines())
    with (
        compiling._MACHINES.one_for(host()) as first,
        compiling._MACHINES.one_for(host()) as second,
    ):
        assert first is not second
    machines = []
    monkeypatch.setattr(
        compiling, "compile_object", lambda text, machine, _: machines.append(machine) or b""
    )
    for name in "abc":
        compile_all([code_of(name)], lambda *_: None)
    assert {id(machine) for machine in machines} <= {id(first), id(second)}
    assert len(machines) == 3


def test_a_target_machine_is_not_used_again_after_an_error(monkeypatch):
    monkeypatch.setattr(compiling, "_MACHINES", compiling._Machines())
    with pytest.raises(KeyError), compiling._MACHINES.one_for(host()) as first:
        raise KeyError
    with compiling._MACHINES.one_for(host()) as second:
        assert second is not first


def test_object_code_does_not_depend_on_what_a_machine_compiled_before():
    objects = {}
    for name in "aba":
        compile_all(
            [code_of(name)], lambda code, data: objects.setdefault(code.text, []).append(data)
        )
    assert [len(set(data)) for data in objects.values()] == [1, 1]
