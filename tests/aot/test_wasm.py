"""Models for WebAssembly, in node."""

import json
import re
import shutil
import subprocess

import llvmlite.binding as llvm
import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.linking import has_zig
from tests.aot.kit import built, traced
from tests.aot.test_abi import trainable
from tests.aot.test_values import attention, branches, convolutions, integers, recurrent
from tests.compiler.codegen.scalars.test_accuracy import exact, ulps

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not has_zig(), reason="needs node and `pip install ziglang`"
)


def node(folder, *arguments):
    """What a program prints."""
    done = subprocess.run(
        [NODE, *arguments], cwd=folder, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_modules_compute_what_penstock_computes(tmp_path):
    functions = {f.__name__: f() for f in (attention, branches, convolutions, integers, recurrent)}
    made = built(tmp_path, functions, target="wasm32", small=True)
    assert node(tmp_path, "model_test.mjs") == "model: 5 calls agree\n"
    size = (tmp_path / "model.wasm").stat().st_size
    assert size - made.model.data.size < 64 << 10


def test_relaxed_modules_compute_the_same(tmp_path):
    flag = "--experimental-wasm-relaxed-simd"  # of node before version 21, which has it without
    flags = [flag] if flag in node(tmp_path, "--v8-options") else []
    functions = {f.__name__: f() for f in (attention, convolutions, recurrent)}
    made = built(tmp_path, functions, target="wasm32", features="+relaxed-simd")
    assert any("f32x4.relaxed_madd" in text for text in inner_loops(made))
    assert node(tmp_path, *flags, "model_test.mjs") == "model: 3 calls agree\n"


def inner_loops(built):
    """The texts of the loops of a module's kernels that have no others in them."""
    machine, found = built.machine.machine(), []
    for code in built.model.codes:
        module = llvm.parse_assembly(code.text, llvm.create_context())
        module.triple = machine.triple
        found += re.findall(
            r"\tloop((?:(?!\tloop).)*?)end_loop", machine.emit_assembly(module), re.S
        )
    return found


def test_loops_of_products_read_at_constant_offsets(tmp_path):
    weights = tf.Variable(np.ones((256, 64), np.float32))
    made = built(
        tmp_path,
        traced(lambda x: x @ weights, tf.TensorSpec([32, 256], name="x")),
        target="wasm32",
    )
    products = [text for text in inner_loops(made) if "f32x4.mul" in text]
    assert len(products) == 1
    (loop,) = products
    assert loop.count("f32x4.mul") == 8 and loop.count("v128.load") == 6
    assert loop.count("i32.add") == 2  # one for each operand


@pytest.mark.parametrize("name, low, high, bound", [
    ("exp", -87, 88, 1.1), ("erfc", -4, 9, 4.0), ("erf", -4, 4, 1.2), ("tanh", -9, 9, 2.2), ("sigmoid", -30, 30, 2.6),
])  # fmt: skip
def test_errors_of_functions_in_ulps(name, low, high, bound, tmp_path):
    function = getattr(tf.math, name)
    spec = tf.TensorSpec([2000], name="x")
    built(tmp_path, traced(lambda x: {"y": function(x)}, spec), target="wasm32")
    program = """
      import open from "./index.mjs";
      import { readFileSync, writeFileSync } from "node:fs";
      const x = new Float32Array(new Uint8Array(readFileSync("x.bin")).buffer);
      writeFileSync("y.bin", (await open()).run({ x }).y);
    """
    (tmp_path / "try.mjs").write_text(program)
    x = np.random.default_rng(0).uniform(low, high, 2000).astype(np.float32)
    x[:8] = [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e-30]
    x.tofile(tmp_path / "x.bin")
    node(tmp_path, "try.mjs")
    got, wanted = np.fromfile(tmp_path / "y.bin", np.float32), exact(name, x)
    with np.errstate(invalid="ignore"):
        far = ulps(got, wanted, np.float32)
    normal = np.isfinite(wanted) & (np.abs(wanted) > np.finfo(np.float32).tiny)
    assert far[normal].max() <= bound
    np.testing.assert_array_equal(got[:5], wanted[:5].astype(np.float32))


def test_modules_with_a_file_of_weights(tmp_path):
    built(tmp_path, convolutions(), target="wasm32", weights=True)
    assert node(tmp_path, "model_test.mjs") == "model: 1 calls agree\n"


def test_training_and_batches_in_node(tmp_path):
    functions, _ = trainable()
    functions["twice"] = traced(lambda z: 2.0 * z, tf.TensorSpec([None, 3], name="z"))
    built(tmp_path, functions, target="wasm32", batches=(1, 4))
    program = """
      import open, { ModelError } from "./index.mjs";
      const model = await open();
      const x = Float32Array.from({length: 8}, (_, i) => -1 + 2 * i / 7), y = x.map((v) => 3 * v - 2);
      const losses = Array.from({length: 3}, () => model.functions.train.run({x, y}).loss[0]);
      const slope = model.variables.slope[0];
      model.reset();
      const refused = [];
      for (const z of [[1, 2], new Array(9).fill(0)]) {
        try { model.functions.twice.run({z}); } catch (error) { refused.push([error instanceof ModelError, error.status]); }
      }
      const twice = Array.from(model.functions.twice.run({z: new Array(12).fill(1)})["output_0"]);
      console.log(JSON.stringify({losses, slope, again: model.functions.train.run({x, y}).loss[0], refused, twice,
        batches: model.functions.twice.batches, inputs: model.functions.twice.inputs}));
    """
    (tmp_path / "try.mjs").write_text(program)
    found = json.loads(node(tmp_path, "try.mjs"))
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    wanted = [
        float(functions["train"](tf.constant(x), tf.constant(3 * x - 2))["loss"]) for _ in range(3)
    ]
    np.testing.assert_allclose(found["losses"], wanted, rtol=1e-5)
    assert found["again"] == found["losses"][0] and found["slope"] != 0
    assert found["refused"] == [[True, 0], [True, -8]]
    assert found["twice"] == [2.0] * 12 and found["batches"] == [1, 4]
    assert found["inputs"] == [{"name": "z", "type": "float32", "shape": [-1, 3]}]
