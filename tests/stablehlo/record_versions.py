"""Writes versions.npz: one module as StableHLO serialises it for its present readers and for those of all versions before.

Run where JAX is installed: python tests/stablehlo/record_versions.py
"""

import pathlib

import numpy as np
from jax._src.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

MODULE = """
module @kinds {
  func.func public @main(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>, %holds: tensor<i1>)
      -> (tensor<2x3xf32>, tensor<10xi1>, tensor<3xui8>, tensor<2xi4>, tensor<2xcomplex<f32>>, tensor<2x2xf64>) {
    %bits = stablehlo.constant dense<[true, false, true, true, false, false, false, true, false, true]> : tensor<10xi1>
    %bytes = stablehlo.constant dense<[1, 2, 255]> : tensor<3xui8>
    %nibbles = stablehlo.constant dense<[-3, 4]> : tensor<2xi4>
    %points = stablehlo.constant dense<[(1.0, 2.0), (3.0, -4.0)]> : tensor<2xcomplex<f32>>
    %same = stablehlo.constant dense<0.5> : tensor<2x2xf64>
    %sum = stablehlo.add %b, %a {mhlo.frontend = {
      whole = -7 : i32, part = 2.5 : f32, yes = true, text = "words", two = [1, 2], function = @main,
      type = tensor<3x?xf64>, byte = 200 : ui8, long = -5000000000}} : tensor<2x3xf32>
    %twice = stablehlo.add %a, %a : tensor<2x3xf32>
    %found:2 = "stablehlo.if"(%holds) ({
      %less = stablehlo.subtract %twice, %sum : tensor<2x3xf32>
      stablehlo.return %less, %sum : tensor<2x3xf32>, tensor<2x3xf32>
    }, {
      stablehlo.return %a, %b : tensor<2x3xf32>, tensor<2x3xf32>
    }) : (tensor<i1>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
    %last = stablehlo.multiply %found#1, %found#0 : tensor<2x3xf32>
    return %last, %bits, %bytes, %nibbles, %points, %same
      : tensor<2x3xf32>, tensor<10xi1>, tensor<3xui8>, tensor<2xi4>, tensor<2xcomplex<f32>>, tensor<2x2xf64>
  }
}
"""
VERSIONS = "0.9.0 0.10.0 0.12.0 0.14.0 0.17.0 1.0.0 1.17.0".split()


def main():
    with mlir.make_ir_context(), ir.Location.unknown():
        text = str(ir.Module.parse(MODULE))
        found = {v: stablehlo.serialize_portable_artifact_str(text, v) for v in VERSIONS}
    np.savez_compressed(
        pathlib.Path(__file__).with_name("versions.npz"),
        **{version: np.frombuffer(data, np.uint8) for version, data in found.items()},
    )


if __name__ == "__main__":
    main()
