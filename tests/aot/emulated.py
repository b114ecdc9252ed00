"""Built models on other processors, under QEMU: `make check-targets` runs this file. It needs qemu-user, qemu-system-arm and the ziglang wheel."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import penstock as tf
from tests.aot import quantised
from tests.aot.kit import built, traced
from tests.aot.test_abi import trainable
from tests.aot.test_values import attention, branches, convolutions, integers, recurrent

BOARD = Path(__file__).parent / "board"
ZIG = [sys.executable, "-m", "ziglang", "cc"]
# target: what zig calls it with a C library to link statically, and the emulator
MACHINES = {
    "x86_64-linux": ("x86_64-linux-musl", []),
    "aarch64-linux": ("aarch64-linux-musl", ["qemu-aarch64-static"]),
    "armv7-linux": ("arm-linux-musleabihf", ["qemu-arm-static"]),
    "riscv64-linux": ("riscv64-linux-musl", ["qemu-riscv64-static", "-cpu", "rv64,v=true"]),
}
SYSTEM = "qemu-system-arm"
FLASH = 256 << 10  # bytes of a small microcontroller


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_test_program(target, folder):
    """Links the test program of a model of a target, statically, and runs it there; returns what it says."""
    if target == "wasm32":
        return run(["node", "model_test.mjs"], folder).strip()
    zig, emulator = MACHINES[target]
    if emulator and shutil.which(emulator[0]) is None:
        pytest.skip(f"needs {emulator[0]}")
    flags = ["-target", zig, "-static", "-O1", "-o", "held"]
    run([*ZIG, *flags, "model_test.c", "libmodel.a", "-lm"], folder)
    return run([*emulator, "./held"], folder).strip()


@pytest.mark.parametrize(
    "target, features", [*[(target, "") for target in MACHINES], ("aarch64-linux", "+dotprod")]
)
def test_linux(target, features, tmp_path):
    functions = {f.__name__: f() for f in (attention, branches, convolutions, integers, recurrent)}
    functions |= trainable()[0]
    built(tmp_path, functions, target=target, features=features)
    assert run_test_program(target, tmp_path) == "model: 7 calls agree"


def on_board(folder, name="model"):
    """Links the test program for the board and runs it there; returns what it says."""
    if shutil.which(SYSTEM) is None:
        pytest.skip(f"needs {SYSTEM}")
    target = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4"]
    flags = [
        "-O1",
        "-DPENSTOCK_BARE",
        "-nostdlib",
        "-lcompiler_rt",
        "-Wl,-e,reset",
        "-T",
        str(BOARD / "board.ld"),
    ]
    files = [str(BOARD / "start.c"), f"{name}_test.c", f"lib{name}.a"]
    run([*ZIG, *target, *flags, *files, "-o", "board.elf"], folder)
    emulator = [
        SYSTEM,
        "-M",
        "mps2-an386",
        "-nographic",
        "-semihosting-config",
        "enable=on,target=native",
    ]
    command = [*emulator, "-kernel", "board.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr  # where the host writes what is said


def test_microcontroller_with_floats(tmp_path):
    functions = {"images": convolutions(), "series": recurrent()}
    built(tmp_path, functions, target="thumbv7em-none-eabihf")
    assert on_board(tmp_path) == "model: 2 calls agree\n"


def test_microcontroller_with_the_digits_in_int8(tmp_path):
    images, labels = quantised.digits()
    model = quantised.trained(images[:4000], labels[:4000])
    function = tf.function(quantised.quantised(model, images[:200]))
    others, truth = images[8000:9000], labels[8000:9000]
    floats = (model(others).numpy().argmax(1) == truth).mean()
    scores = function(quantised.as_int8(others))["scores"].numpy()
    assert (scores.argmax(1) == truth).mean() >= floats - 0.005
    spec = tf.TensorSpec([1, 28, 28, 1], tf.int8, name="image")
    samples = {"image": quantised.as_int8(images[9000:9001])}
    concrete = function.get_concrete_function(spec)
    made = built(tmp_path, concrete, "digits", target="thumbv7em-none-eabihf", samples=samples)
    assert loaded_bytes(made.objects.model) < FLASH
    assert on_board(tmp_path, "digits") == "digits: 1 calls agree\n"


def loaded_bytes(code):
    """The bytes of an ELF object of 32 bits that a program has in memory."""
    header = struct.unpack_from("<16sHHIIIIIHHHHHH", code)
    sections = [
        struct.unpack_from("<IIIIIIIIII", code, header[6] + i * header[11])
        for i in range(header[12])
    ]
    return sum(s[5] for s in sections if s[2] & 2)


@pytest.mark.parametrize(
    "target", ["x86_64-windows", "x86_64-macos", "aarch64-macos", "aarch64-windows"]
)
def test_other_systems_link(target, tmp_path):
    function = traced(lambda x: tf.nn.softmax(x), tf.TensorSpec([4, 30], name="x"))
    built(tmp_path, function, target=target)
    suffix = "dll" if "windows" in target else "dylib"
    (library,) = tmp_path.glob(f"*model.{suffix}")
    assert library.stat().st_size > 1000
