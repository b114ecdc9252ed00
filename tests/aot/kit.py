"""Builds functions for this machine and loads what was built, for the tests of this folder."""

import shutil
import subprocess

import pytest

import penstock as tf
from penstock._src.aot.build import BuildOptions, build, write
from penstock._src.aot.sources.python_library import Model

COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def traced(function, *specs):
    """The concrete function of a Python function."""
    return tf.function(function).get_concrete_function(*specs)


def built(folder, functions, name="model", **options):
    """What is written to a folder for some functions: {signature: concrete function}, or one of them."""
    if not isinstance(functions, dict):
        functions = {"run": functions}
    chosen = BuildOptions(**options)
    made = build(functions, name, chosen)
    write(made, folder, chosen)
    return made


def loaded(folder, functions, name="model", **options):
    """The same as a library of this process."""
    built(folder, functions, name, **options)
    weights = folder / f"{name}.weights"
    return Model(folder / f"lib{name}.so", weights if weights.exists() else None)


def run_test_program(folder, *flags, name="model"):
    """Compiles and runs the test program; returns what it prints."""
    command = [
        COMPILER,
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-o",
        "held",
        f"{name}_test.c",
        f"lib{name}.a",
        "-lm",
        *flags,
    ]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    done = subprocess.run(["./held"], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout
    return done.stdout
