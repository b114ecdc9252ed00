"""The files that replace TensorFlow in an environment.

`penstock_as_tensorflow.pth` is a line that Python runs at its start: it waits for the first `import tensorflow`. The folders
`tensorflow-2.21.0.dist-info` and the like are metadata, by which pip takes TensorFlow for installed: it does not fetch TensorFlow for
`pip install tf-keras`, and `pip check` misses nothing. `tensorflow-stubs` is what editors and type checkers read (`editor_stubs.py`).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata

from penstock._src.util.process.installing import NAME, installed_name
from penstock._src.version import OWN_VERSION, VERSION

from . import editor_stubs

START = "penstock_as_tensorflow.pth"
# One line, as .pth files want it. Without Penstock, which pip may have uninstalled, it does nothing.
START_LINE = (
    "import sys; exec('try:\\n from penstock._src.bridge.environments import at_start\\n at_start.wait()\\n"
    'except ModuleNotFoundError as e:\\n if e.name != "penstock": raise\')\n'
)
# TensorFlow's distributions that libraries depend on; macOS had one of its own until 2.16.
NAMES = ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly")
# Other distributions that Penstock replaces, and the module of each.
COMPANIONS = {"tensorflow-text": "tensorflow_text"}
DISTRIBUTIONS = (*NAMES, *COMPANIONS)
# Extras that libraries write in brackets after TensorFlow's name; they install nothing.
EXTRAS = ("and-cuda", "gcs-filesystem")
# uv calls a distribution without this file broken.
WHEEL = f"""Wheel-Version: 1.0
Generator: penstock {OWN_VERSION}
Root-Is-Purelib: true
Tag: py3-none-any
"""
SUMMARY = "Penstock, which stands for TensorFlow"
REQUIRED = f"{NAME}[tensorflow]=={OWN_VERSION}"  # where Penstock is installed under its name


def files(installer: str, version: str = VERSION) -> dict[str, bytes]:
    """Returns the contents of all files, by their paths in the folder of packages.

    Args:
      installer: what put them there, as pip shows it.
      version: of TensorFlow that pip shall count Penstock as.
    """
    shared = {START: START_LINE.encode(), **editor_stubs.files()}
    contents = dict(shared)
    for name in DISTRIBUTIONS:
        folder = f"{name.replace('-', '_')}-{version}.dist-info"
        own = {
            f"{folder}/METADATA": metadata(name, version).encode(),
            f"{folder}/WHEEL": WHEEL.encode(),
            f"{folder}/INSTALLER": f"{installer}\n".encode(),
            f"{folder}/top_level.txt": f"{COMPANIONS.get(name, 'tensorflow')}\n".encode(),
        }
        # The start-up line does not belong to it: it stays, and reports it, if pip replaces it by TensorFlow itself.
        contents |= own | {f"{folder}/RECORD": record(own, f"{folder}/RECORD").encode()}
    return contents


def metadata(name: str, version: str = VERSION) -> str:
    """Returns the METADATA of a distribution of TensorFlow that Penstock replaces."""
    # Of a bare checkout pip knows nothing: it would look for the name on its index.
    required = [f"Requires-Dist: {REQUIRED}"] if installed_name() == NAME else []
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: {SUMMARY}",
        *required,
        *(f"Provides-Extra: {extra}" for extra in EXTRAS),
    ]
    return "\n".join(lines) + "\n"


def constraints(version: str) -> str:
    """Returns lines for pip's `--constraint`, by which it refuses what it would install TensorFlow itself for."""
    lines = [f"{name}=={version}" for name in DISTRIBUTIONS]
    return (
        "\n".join(["# Penstock stands for these (penstock enable --constraints).", *lines]) + "\n"
    )


def record(contents: dict[str, bytes], own: str) -> str:
    """Returns a RECORD: path, hash and size of each file, and of itself the path alone."""
    rows = []
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*rows, f"{own},,"]) + "\n"


def is_stand_in(distribution: importlib.metadata.Distribution) -> bool:
    """True if an installed distribution with a name of TensorFlow's is Penstock's."""
    return distribution.metadata["Summary"] == SUMMARY
