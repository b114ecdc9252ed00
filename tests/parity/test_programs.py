"""Programs of raw ops give what TensorFlow gave for them, and every op they name runs."""

import gzip
import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from tests.parity.programs import parts, programs

RECORDED = json.loads(
    gzip.decompress(pathlib.Path(__file__).with_name("programs.json.gz").read_bytes())
)
PROGRAMS = programs()
TOLERANCE = {
    "float16": 4e-3,
    "float32": 2e-5,
    "complex64": 2e-5,
    "float64": 1e-10,
    "complex128": 1e-10,
}


def compare(got, wanted):
    assert list(got.shape) == wanted["shape"]
    if wanted["dtype"] == "bytes":
        flat = [v if isinstance(v, bytes) else str(v).encode() for v in got.ravel().tolist()]
        assert [v.hex() for v in flat] == wanted["values"]
        return
    assert got.dtype.name == wanted["dtype"]
    if got.dtype.kind == "c":
        got = np.stack([got.real, got.imag], -1)
    bound = TOLERANCE.get(wanted["dtype"], 0.0)
    values = got.ravel() if got.dtype.kind in "iub" else got.astype(float).ravel()
    np.testing.assert_allclose(values, np.array(wanted["values"]), rtol=bound, atol=bound)


def test_every_program_is_recorded():
    assert sorted(RECORDED) == sorted(PROGRAMS)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_program(name, tmp_path):
    made = parts(PROGRAMS[name](tf, tmp_path))
    assert len(made) == len(RECORDED[name])
    for got, wanted in zip(made, RECORDED[name], strict=True):
        compare(got, wanted)
