"""Runs StableHLO text on XLA's CPU back end, as any PJRT device would."""

import functools

import jax.extend.backend
import numpy as np
from jax._src.interpreters import mlir
from jaxlib import xla_client
from jaxlib.mlir import ir


@functools.cache
def client():
    return jax.extend.backend.get_backend("cpu")


def run(text, arguments):
    """The results of `main` for these arrays."""
    devices = client().local_devices()[:1]
    with mlir.make_ir_context():
        module = ir.Module.parse(text)
        program = client().compile_and_load(
            module, xla_client.DeviceList(tuple(devices)), xla_client.CompileOptions()
        )
    with jax.enable_x64(True):
        given = [jax.device_put(np.asarray(a), devices[0]) for a in arguments]
        results = program.execute_sharded(given)
        return [np.asarray(r[0]) for r in results.disassemble_into_single_device_arrays()]
