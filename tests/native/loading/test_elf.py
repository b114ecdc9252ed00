"""Our own linker: what LLVM links, and nothing that is damaged."""

import ctypes
import math
import os
import random
import subprocess
import sys

import pytest

from penstock._src.core.errors import DataLossError, InternalError, OpError
from penstock._src.native import Code, Module, host
from penstock._src.native.llvm import initialize
from penstock._src.native.llvm.compile import compile_object, machine_for
from penstock._src.native.loading.elf import ElfObject, link
from penstock._src.native.loading.relocations import PROCESSORS, Site
from penstock._src.native.target import level

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ELF objects of Linux")

TEXT = """
@table = internal constant [4 x i64] [i64 11, i64 22, i64 33, i64 44]
@names = internal constant [2 x ptr] [ptr @table, ptr @counter]
@counter = internal global i64 5
@room = internal global [4000 x i64] zeroinitializer, align 64
declare double @fmod(double, double)
declare i64 @given(i64)
define i64 @look(i64 %i) #0 {
  %p = getelementptr [4 x i64], ptr @table, i64 0, i64 %i
  %v = load i64, ptr %p
  ret i64 %v
}
define i64 @count(i64 %by) #0 {
  %at = getelementptr [2 x ptr], ptr @names, i64 0, i64 1
  %counter = load volatile ptr, ptr %at
  %before = load i64, ptr %counter
  %after = add i64 %before, %by
  store i64 %after, ptr %counter
  %last = getelementptr [4000 x i64], ptr @room, i64 0, i64 3999
  store i64 %after, ptr %last
  %read = load volatile i64, ptr %last
  ret i64 %read
}
define double @rest(double %x, double %y) #0 {
  %r = call double @fmod(double %x, double %y)
  ret double %r
}
define i64 @ask(i64 %x) #0 {
  %r = call i64 @given(i64 %x)
  ret i64 %r
}
define ptr @address() #0 { ret ptr @given }
"""
EXPORTS = ("look", "count", "rest", "ask", "address")
GIVEN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda x: 3 * x)
ADDRESS = ctypes.cast(GIVEN, ctypes.c_void_p).value


def compiled(target, text=TEXT):
    initialize()
    module = Module(target)
    module.raw(text, EXPORTS)
    return compile_object(Code.of(module).text, machine_for(target))


@pytest.fixture(scope="module")
def content():
    return compiled(host())


def linked(content):
    return link(content, EXPORTS, {"given": ADDRESS})


def function(image, name, result=ctypes.c_int64, *arguments):
    call = ctypes.CFUNCTYPE(result, *(arguments or (ctypes.c_int64,)))(image.addresses[name])
    call.image = image
    return call


def test_code_runs_with_its_constants_and_data(content):
    image = linked(content)
    assert [function(image, "look")(i) for i in range(4)] == [11, 22, 33, 44]
    assert [function(image, "count")(by) for by in (1, 10)] == [6, 16]
    assert function(linked(content), "count")(1) == 6  # each image has its own data


def test_calls_go_out_of_the_image(content):
    image = linked(content)
    rest = function(image, "rest", ctypes.c_double, ctypes.c_double, ctypes.c_double)
    assert rest(7.5, 2.0) == math.fmod(7.5, 2.0)
    assert function(image, "ask")(14) == 42
    address = ctypes.CFUNCTYPE(ctypes.c_void_p)(image.addresses["address"])
    assert address() == ADDRESS


def test_memory_is_never_writable_and_executable(content):
    image = linked(content)
    with open("/proc/self/maps") as file:
        rows = [line.split() for line in file]
    at = image.addresses["look"]
    rights = [r[1] for r in rows if int(r[0].split("-")[0], 16) <= at < int(r[0].split("-")[1], 16)]
    assert rights == ["r-xp"]
    ours = [r[1] for r in rows if "penstock-code" in r[-1] or "penstock-code" in r[-2]]
    assert {"r-xp", "r--p", "rw-p"} <= set(ours) and not any("wx" in r for r in ours)


def test_an_undefined_symbol_is_named(content):
    with pytest.raises(InternalError, match="'given'"):
        link(content, EXPORTS, {})
    with pytest.raises(InternalError, match="no function 'nothing'"):
        link(content, ("nothing",), {"given": ADDRESS})
    with pytest.raises(InternalError, match="no function 'table'"):
        link(content, ("table",), {"given": ADDRESS})


def test_an_object_of_another_processor_is_refused():
    other = level("aarch64" if host().architecture == "x86_64" else "x86-64-v2")
    with pytest.raises(DataLossError, match="another processor"):
        linked(compiled(other))


def test_all_that_is_cut_off_is_refused(content):
    for size in range(0, len(content), 7):
        with pytest.raises(DataLossError):
            linked(content[:size])


def test_damage_is_refused_or_without_effect_on_this_process(content):
    draw, refused = random.Random(3), 0
    for _ in range(500):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 2, 4))):
            damaged[draw.randrange(len(damaged))] ^= draw.randrange(1, 256)
        try:
            linked(bytes(damaged))
        except OpError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v4", "aarch64"])
def test_relocations_of_each_processor_are_known(name):
    parsed = ElfObject.of(compiled(level(name)))
    rules = PROCESSORS[level(name).architecture].rules
    kinds = {row[1] for s in parsed.sections if s.type == 4 for row in parsed.relocations(s)}
    assert kinds and kinds <= rules.keys()


def _bits(word, low, count):
    return word >> low & (1 << count) - 1


def _signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 else value


def test_addresses_of_aarch64_are_put_together_again():
    rules, draw = PROCESSORS["aarch64"].rules, random.Random(7)
    for _ in range(200):
        at = draw.randrange(1 << 40, 1 << 41) & ~3
        target = at + draw.randrange(-(1 << 31), 1 << 31) & ~15
        words = bytearray(b"\x10\x00\x00\x90" + b"\x10\x02\x40\xf9")  # adrp x16; ldr x16, [x16]
        rules[275].apply(Site(words, 0, at), target)
        rules[286].apply(Site(words, 4, at + 4), target)
        page, load = (int.from_bytes(words[i : i + 4], "little") for i in (0, 4))
        pages = _signed(_bits(page, 5, 19) << 2 | _bits(page, 29, 2), 21)
        assert (at >> 12) + pages << 12 | 8 * _bits(load, 10, 12) == target
        call = bytearray(b"\x00\x00\x00\x94")
        near = at + draw.randrange(-(1 << 27), 1 << 27) & ~3
        rules[283].apply(Site(call, 0, at), near)
        assert at + 4 * _signed(_bits(int.from_bytes(call, "little"), 0, 26), 26) == near
    with pytest.raises(OverflowError):
        rules[283].apply(Site(call, 0, at), at + (1 << 28))


def test_a_jump_of_aarch64_reads_its_word():
    processor, content = PROCESSORS["aarch64"], bytearray(12)
    processor.write_stub(Site(content, 0, 0x400000), 0x412348)
    words = [int.from_bytes(content[i : i + 4], "little") for i in (0, 4, 8)]
    assert _bits(words[0], 29, 2) | _bits(words[0], 5, 19) << 2 == 0x12
    assert 8 * _bits(words[1], 10, 12) == 0x348 and words[2] == 0xD61F0200


def test_programs_run_alike_by_both_linkers(tmp_path):
    """Kernels, the pool and the runner, compiled and linked by ours in one process, are linked by LLVM in another."""
    program = (
        "import penstock as tf, sys\n"
        "from penstock._src.native.loading import library\n"
        "if len(sys.argv) > 1:\n"
        "    library.is_known_system = lambda: False\n"
        "f = tf.function(lambda x: tf.nn.softmax(tf.sort(x @ x)) + tf.math.erf(x))\n"
        "print(f(tf.reshape(tf.range(10000.0), [100, 100]) / 1e4).numpy().tobytes().hex())\n"
        "print('llvmlite.binding' in sys.modules, 'jit_link' in str(sys.modules.keys()), file=sys.stderr)\n"
    )
    # PENSTOCK_CPU would let LLVM be asked for its processor.
    environment = {**os.environ, "PENSTOCK_CACHE_DIR": str(tmp_path), "PENSTOCK_CPU": ""}
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, *more], env=environment, capture_output=True, check=True
        )
        for more in ([], ["llvm"], [])
    ]
    assert runs[0].stdout == runs[1].stdout == runs[2].stdout and len(runs[0].stdout) > 80000
    found = [run.stderr.split()[-2:] for run in runs]
    assert found == [[b"True", b"False"], [b"True", b"True"], [b"False", b"False"]]
