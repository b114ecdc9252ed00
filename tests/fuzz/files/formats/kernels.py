"""What the compiler keeps between processes: object code and measured blockings."""

import ctypes
from pathlib import Path
from typing import Any

from penstock._src.compiler.codegen.processors import Blocking
from penstock._src.compiler.codegen.tuning_records import TuningRecords
from penstock._src.native import Code, Kernels, Module
from penstock._src.native.cache import ObjectCache
from penstock._src.native.language.types import I64
from penstock._src.native.target import host
from tests.fuzz.files.formats.format import Format

ANSWER = 42


def _ask(folder: Path) -> Any:
    """What a kernel returns, read from the folder if it is there and compiled if not."""
    module = Module()
    with module.fn("answer", ret=I64) as f:
        f.give(f.i64(ANSWER))
    kernels = Kernels(ObjectCache(folder / "kernels"))
    return kernels[Code.of(module)].function("answer", result=ctypes.c_int64)()


def make_records(folder: Path) -> None:
    records = TuningRecords()
    for threads in (1, 2):
        for product in ("f32 m128", "f32 m256"):
            records.add(host(), threads, product, Blocking(depth=256))
    records.write(folder / "tuning.json")


def read_records(folder: Path) -> Any:
    return sum(map(len, TuningRecords.read(folder / "tuning.json").found.values()))


FORMATS = [
    Format("kernels", lambda folder: _ask(folder) and None, _ask, exact=True),
    Format("tuning", make_records, read_records, errors=(ValueError,)),
]
