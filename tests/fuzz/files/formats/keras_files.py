"""Files of Keras, as Keras loads them and as the audit reads them."""

import importlib
import io
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import penstock
from penstock._src.bridge.python.tools.audit.files import audit
from tests.fuzz.files.formats.format import Format
from tests.fuzz.files.mutating import damaged


def _keras() -> Any:
    """Keras on Penstock, imported when one of its formats is wanted."""
    penstock.install_as_tensorflow()
    return importlib.import_module("keras")


def _model() -> Any:
    keras = _keras()
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((3,)), *layers])


def _maker(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        model = _model()
        (model.save_weights if "weights" in name else model.save)(folder / name)

    return make


def _reader(name: str) -> Callable[[Path], Any]:
    def read(folder: Path) -> Any:
        if "weights" in name:
            model = _model()
            model.load_weights(folder / name)
        else:
            model = _keras().models.load_model(folder / name)
        return [list(weights.shape) for weights in model.get_weights()]

    return read


def _audited(name: str) -> Callable[[Path], Any]:
    return lambda folder: audit(str(folder / name)).kind


def _in_archive(choice: random.Random, name: str, data: bytes) -> bytes:
    """Damages a file of an archive, whose checksums are right again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as made:
        names = archive.namelist()
        place = choice.choice(names)
        for each in names:
            body = archive.read(each)
            info = zipfile.ZipInfo(each, (2026, 1, 1, 0, 0, 0))
            info.compress_type = choice.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            made.writestr(info, damaged(choice, body or b"\0") if each == place else body)
    return out.getvalue()


# What Keras and the libraries that it reads with raise of damaged files, beside TensorFlow as well.
REFUSALS = (
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
FORMATS = [
    Format("keras", _maker("m.keras"), _reader("m.keras"), errors=REFUSALS),
    Format("keras_members", _maker("m.keras"), _reader("m.keras"), errors=REFUSALS, mutate=_in_archive),
    Format("h5", _maker("m.h5"), _reader("m.h5"), errors=REFUSALS),
    Format("weights_h5", _maker("m.weights.h5"), _reader("m.weights.h5"), errors=REFUSALS),
    Format("audit_keras", _maker("m.keras"), _audited("m.keras")),
    Format("audit_keras_members", _maker("m.keras"), _audited("m.keras"), mutate=_in_archive),
    Format("audit_h5", _maker("m.h5"), _audited("m.h5")),
]  # fmt: skip
