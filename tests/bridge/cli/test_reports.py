"""What `penstock flags`, `env` and `op` print."""

import re
import subprocess
import sys

import pytest

from penstock._src.bridge.cli import commands


def report(capsys, *arguments):
    assert commands.main(arguments) == 0
    return capsys.readouterr().out


def refusal(capsys, *arguments):
    assert commands.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("command", ["--help", "flags"])
def test_a_reader_that_stops_early(command):
    words = [sys.executable, "-m", "penstock", command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_flags_and_environment(capsys):
    (line,) = [x for x in report(capsys, "flags").splitlines() if "PENSTOCK_THREADS" in x]
    assert line.split(maxsplit=1)[1].startswith("whole number")
    assert "llvmlite" in report(capsys, "env")


@pytest.mark.parametrize("name", ["MatMul", "tf.raw_ops.MatMul"])
def test_a_raw_op(capsys, name):
    out = report(capsys, "op", name)
    assert "MatMul(a: T, b: T -> product: T)" in out and "matmul.py:" in out and "native" in out


def test_a_public_function_with_the_ops_that_it_calls(capsys):
    out = report(capsys, "op", "tf.nn.softmax")
    assert out.startswith("tf.nn.softmax(logits, axis=None, name=None)")
    assert re.search(r"\bSoftmax +native, gradient: yes", out) and "activations.py:" in out
    assert "compiled functions: native" in out


def test_ops_of_helpers_and_of_rows_of_a_table(capsys):
    assert "SegmentSum" not in report(capsys, "op", "tf.image.resize")
    assert "ResizeBilinear" in report(capsys, "op", "image.resize")
    assert "Exp " in report(capsys, "op", "tf.exp")


def test_what_does_not_compile_is_named(capsys):
    assert "on the host where it calls StringSplitV2" in report(capsys, "op", "tf.strings.split")


def test_a_class_and_a_constant(capsys):
    assert report(capsys, "op", "tf.GradientTape").startswith("tf.GradientTape(")
    assert report(capsys, "op", "tf.float32") == "tf.float32 = tf.float32\n"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Matmull", "MatMul"),
        ("matmul", "MatMul"),
        ("tf.nn.sofmax", "tf.nn.softmax"),
        ("softmax_cross_entropy", "softmax_cross_entropy_with_logits"),
        ("redce_sum", "tf.reduce_sum"),
        ("atMu", "MatMul"),
    ],
)
def test_a_misspelt_name_gives_the_meant_one(capsys, name, meant):
    if name == "matmul":
        assert report(capsys, "op", name).startswith("tf.matmul(")
    else:
        assert meant in refusal(capsys, "op", name)


def test_a_namespace_is_refused(capsys):
    assert "tf.nn is a namespace" in refusal(capsys, "op", "tf.nn")
