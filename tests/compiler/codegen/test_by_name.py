"""Emitters and writers that are imported by name."""

import subprocess
import sys

import pytest

from penstock._src.compiler.codegen.contraction.emit import EMITTERS
from penstock._src.compiler.codegen.specials.table import SPECIALS

ROWS = [*EMITTERS.values(), *(special.launch for special in SPECIALS.values())]
# A matrix product with an epilogue, and a reduction.
PROGRAM = """
import sys
import penstock as tf
f = tf.function(lambda x: tf.reduce_sum(tf.nn.relu(x @ x + 1.0)))
print(f(tf.ones([32, 32])).numpy(), *[m for m in sys.modules if m.startswith("penstock._src.compiler.codegen.")])
"""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.module}.{row.attribute}")
def test_tables_name_functions_that_there_are(row):
    assert row.function.__name__ == row.attribute


def test_a_process_with_cached_kernels_imports_no_writers(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PENSTOCK_VERIFY", "0")
    results, modules = [], []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
        result, *names = done.stdout.split()
        results.append(result)
        modules.append({name.removeprefix("penstock._src.compiler.codegen.") for name in names})
    assert results[0] == results[1]
    writers = {"nests.nest", "nests.evaluator", "scalars.operations", "contraction.products.tiles"}
    assert writers <= modules[0] and not writers & modules[1]
    others = {"attention.forward", "contraction.images.conv", "specials.scan"}
    assert not others & (modules[0] | modules[1])
