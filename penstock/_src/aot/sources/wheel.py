"""A wheel of a built model: a package that imports with NumPy alone."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from penstock._src.aot.targets import Machine
from penstock._src.core.errors import UnimplementedError
from penstock._src.version import OWN_VERSION

_LIBRARY = Path(__file__).parent / "python_library.py"
_DATE = (2020, 1, 1, 0, 0, 0)  # equal models give equal files
_PLATFORMS = {
    "x86_64-linux": "linux_x86_64", "aarch64-linux": "linux_aarch64", "armv7-linux": "linux_armv7l",
    "riscv64-linux": "linux_riscv64", "x86_64-windows": "win_amd64", "aarch64-windows": "win_arm64",
    "x86_64-macos": "macosx_11_0_x86_64", "aarch64-macos": "macosx_11_0_arm64",
}  # fmt: skip
_INIT = '''"""The model {name}, built by Penstock {version}. `load()` gives a Model; `load()(image=...)` runs it."""

from pathlib import Path

from {name}.library import Function, Model, ModelError

__all__ = ["Function", "Model", "ModelError", "load"]
_HERE = Path(__file__).resolve().parent


def load() -> Model:
    """A model with memory of its own, which one thread at a time runs."""
    return Model(_HERE / "{library}", {weights})
'''


def wheel_name(name: str, machine: Machine) -> str:
    """The name of the file.

    Raises:
      UnimplementedError: Python has no wheels for the machine.
    """
    if machine.name not in _PLATFORMS:
        raise UnimplementedError(None, None, f"Python has no wheels for {machine.name}.")
    return f"{name}-{OWN_VERSION}-py3-none-{_PLATFORMS[machine.name]}.whl"


def wheel(name: str, machine: Machine, library: Path, weights: bytes) -> bytes:
    """The wheel of a shared library.

    Args:
      name: of the model and the package.
      machine: what it was built for.
      library: the file.
      weights: those of the file of weights, if there is one.
    """
    path = f'_HERE / "{name}.weights"' if weights else "None"
    init = _INIT.format(name=name, version=OWN_VERSION, library=library.name, weights=path)
    files = {
        f"{name}/__init__.py": init.encode(),
        f"{name}/library.py": _LIBRARY.read_bytes(),
        f"{name}/py.typed": b"",
        f"{name}/{library.name}": library.read_bytes(),
    }
    if weights:
        files[f"{name}/{name}.weights"] = weights
    return _archive(files, f"{name}-{OWN_VERSION}.dist-info", name, machine)


def _archive(files: Mapping[str, bytes], info: str, name: str, machine: Machine) -> bytes:
    """The files with their metadata."""
    metadata = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {OWN_VERSION}\n"
        f"Summary: A model built by Penstock for {machine.name}\nRequires-Python: >=3.11\nRequires-Dist: numpy\n"
    )
    tag = (
        f"Wheel-Version: 1.0\nGenerator: penstock {OWN_VERSION}\nRoot-Is-Purelib: false\n"
        f"Tag: py3-none-{_PLATFORMS[machine.name]}\n"
    )
    every = {**files, f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": tag.encode()}
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in every.items()]
    every[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in every.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
