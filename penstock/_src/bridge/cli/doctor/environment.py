"""The Python environment: versions, another TensorFlow, Keras's backend, what hides packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import sys
from collections.abc import Iterator

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem
from penstock._src.bridge.cli.doctor.requirements import (
    Requirement,
    missing,
    refusing,
    requirements,
    too_old,
)
from penstock._src.bridge.environments import site_packages
from penstock._src.util.process.installing import NAME, installed_name, pip_install
from penstock._src.version import OWN_VERSION, VERSION

OLDEST = (3, 11)
# Names that a file in the folder of a program hides.
HIDDEN = ("penstock", "tensorflow", "keras", "numpy", "llvmlite", "scipy", "tensorboard")
# Requirements of installed distributions that Penstock alone does not have: (module, distribution to install, purpose).
PARTNERS = {
    "tensorboard": ("pkg_resources", "'setuptools<81'", "TensorBoard starts with it"),
    "tensorflow-hub": ("tf_keras", "tf-keras", "hub.KerasLayer is made of it"),
    "tensorflow-probability": ("tf_keras", "tf-keras", "its layers and optimizers use it"),
    "tensorflow-datasets": ("PIL", "pillow", "it decodes images"),
    "gpflow": ("tensorflow_probability", "tensorflow-probability", "GPflow imports it"),
}


def python() -> Iterator[Finding]:
    """The version and build of Python."""
    version = platform.python_version()
    if sys.version_info < OLDEST:
        yield problem(f"Python {version} is too old", "Penstock needs Python 3.11 or later.")
    else:
        yield ok(f"Python {version} in {sys.prefix}")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        yield ok("threads run Python code at the same time: the GIL is off")


def versions() -> Iterator[Finding]:
    """Penstock's own version, and those of what it needs."""
    name = installed_name()
    if name is None:
        yield note(
            f"penstock {OWN_VERSION} runs from {_folder()} and is not installed: its requirements are not known"
        )
        return
    installed = importlib.metadata.version(name)
    yield ok(f"penstock {OWN_VERSION} from {_folder()}")
    if installed != OWN_VERSION:
        yield note(
            f"pip knows {name} {installed}, but version {OWN_VERSION} from {_folder()} is what is imported",
            "Look at PYTHONPATH and the current folder, or reinstall.",
        )
    for each in requirements(name):
        yield from _version(each)


def _version(wanted: Requirement) -> Iterator[Finding]:
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        if not wanted.extra:
            yield problem(f"{wanted.name} is not installed", f"pip install '{wanted.text}'")
        return
    if too_old(version, wanted.least):
        whose = f"the extra {wanted.extra!r}" if wanted.extra else "Penstock"
        yield problem(
            f"{wanted.name} {version} is older than {whose} needs ({wanted.least})",
            f"pip install -U '{wanted.text}'",
        )
    elif not wanted.extra:
        yield ok(f"{wanted.name} {version}")


def _folder() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parents[4]


def tensorflow() -> Iterator[Finding]:
    """Checks what `import tensorflow` imports."""
    real, enabled = site_packages.real_tensorflow(), site_packages.is_enabled()
    if real and enabled:
        yield problem(
            f"{real} has been installed where `penstock enable` had made Penstock TensorFlow: `import tensorflow` gives it",
            "Keep one: `penstock disable`; or pip uninstall tensorflow, and `penstock enable --as VERSION --constraints FILE`.",
        )
    elif real:
        yield note(
            f"`import tensorflow` gives {real}", "`penstock run` runs a program on Penstock."
        )
    elif enabled:
        yield ok("`import tensorflow` gives Penstock in this environment")
        lacking = missing(installed_name() or NAME, "tensorflow")
        if lacking:
            yield note(
                f"TensorFlow would bring {', '.join(lacking)}, which libraries may import without naming them",
                f"pip install {' '.join(map(repr, lacking))}",
            )
    else:
        yield ok("no TensorFlow is installed; `penstock run` gives Penstock for it")


def bounds() -> Iterator[Finding]:
    """Installed libraries that require a version of TensorFlow that Penstock does not provide."""
    version = site_packages.stand_in_version() or VERSION
    for library, wanted in refusing("tensorflow", version):
        yield problem(
            f"{library} requires {wanted}, and Penstock stands for {version}: pip install or upgrade of it replaces Penstock by TensorFlow",
            "`penstock enable --as VERSION` makes pip count Penstock as a version that it takes.",
        )


def keras() -> Iterator[Finding]:
    """Keras and its backend."""
    if importlib.util.find_spec("keras") is None:
        yield note("keras is not installed: there is no tf.keras", pip_install("keras"))
        return
    yield ok(f"keras {importlib.metadata.version('keras')}")
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend != "tensorflow":
        yield problem(
            f"KERAS_BACKEND={backend}: Keras computes with {backend} instead of Penstock",
            "Unset it, or set it to tensorflow.",
        )
    elif not backend:
        yield from _configured_backend()
    if os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True"):
        if importlib.util.find_spec("tf_keras") is None:
            yield problem(
                "TF_USE_LEGACY_KERAS asks for Keras 2, which is not installed",
                "pip install tf-keras, or unset it.",
            )
        else:
            yield note("TF_USE_LEGACY_KERAS: tf.keras is Keras 2")


def _configured_backend() -> Iterator[Finding]:
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    path = pathlib.Path(home) / "keras.json"
    try:
        backend = json.loads(path.read_text()).get("backend", "tensorflow")
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError) as error:
        yield problem(f"{path} cannot be read: {error}", "Mend or remove it.")
        return
    if backend != "tensorflow":
        yield problem(
            f"{path} sets the backend to {backend}: Keras computes with it instead of Penstock",
            'Set "backend": "tensorflow" there, or KERAS_BACKEND=tensorflow.',
        )


def partners() -> Iterator[Finding]:
    """Checks the requirements of installed libraries besides Penstock."""
    for name, (module, install, why) in PARTNERS.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if importlib.util.find_spec(module) is None:
            yield problem(f"{name} {version} lacks {module}: {why}", f"pip install {install}")


def hidden_packages() -> Iterator[Finding]:
    """Files of the current folder that programs in it import instead of packages."""
    for name in HIDDEN:
        for place in (pathlib.Path(f"{name}.py"), pathlib.Path(name) / "__init__.py"):
            if place.exists() and place.resolve().parent != _folder():
                yield problem(
                    f"{place.resolve()} hides the package {name} from programs in this folder",
                    "Rename it.",
                )


CHECKS = (python, versions, tensorflow, bounds, keras, partners, hidden_packages)
