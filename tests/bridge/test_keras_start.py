"""What `import keras` and a first model import: not what few programs use."""

import subprocess
import sys

from tests.harness.processes import lean

RARE = (
    "compiler.compile",
    "compiler.codegen.generator",
    "devices.table",
    "distribute.cluster.connected",
    "distribute.dtensor.clients",
    "distribute.strategy",
    "distribute.workers.pipeline.strategy",
    "function.function",
    "saving.checkpoint",
)
IMPORT = """
import sys, penstock
penstock.install_as_tensorflow()
import keras
print(*sys.modules)
"""
DISTRIBUTED = """
import sys, penstock
penstock.install_as_tensorflow()
import gc, keras
assert gc.isenabled()
sharded = "penstock._src.bridge.keras_modules.sharded"
keras.distribution.set_distribution(keras.distribution.DataParallel())
keras.layers.Dense(2).build((None, 3))
assert sharded not in sys.modules
"""


def run(program: str) -> str:
    environment = lean({"KERAS_BACKEND": "tensorflow"}, program)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_of_keras_leaves_out_what_few_programs_use():
    loaded = set(run(IMPORT).split())
    assert "keras.src.backend.tensorflow.trainer" in loaded
    assert not loaded & {f"penstock._src.{name}" for name in RARE}


def test_a_distribution_in_one_process_imports_no_shards():
    run(DISTRIBUTED)
