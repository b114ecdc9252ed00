"""Blocks of each packed format and the numbers in them, as the package `gguf` unpacks them (`record_packed.py`)."""

import pathlib

import numpy as np

from penstock._src.ir.meaning.packed import FORMATS

_FILE = np.load(pathlib.Path(__file__).with_name("packed.npz"))


def _recorded(name):
    """(blocks, numbers) of a format; one with float32 scales has the numbers of that with float16."""
    if name in _FILE:
        return _FILE[name], _FILE[f"{name} unpacked"]
    narrow = name.removesuffix("_F32")
    rows, form = _FILE[narrow], FORMATS[narrow]
    blocks = rows.reshape(len(rows), -1, form.size)
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    wide = np.concatenate([scales.view(np.uint8), blocks[..., 2:]], axis=-1)
    return wide.reshape(len(rows), -1), _FILE[f"{narrow} unpacked"]


RECORDED = {name: _recorded(name) for name in FORMATS}
