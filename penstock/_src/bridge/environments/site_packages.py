"""This Python's site-packages: the files there that replace TensorFlow, and TensorFlow itself if it is installed."""

from __future__ import annotations

import importlib.metadata
import pathlib
import shutil
import sysconfig

from . import editor_stubs, stand_in

# Everything that installs a package `tensorflow`.
DISTRIBUTIONS = (*stand_in.NAMES, "tensorflow-gpu", "tensorflow-intel", "tf-nightly-cpu")
TEXT = ("tensorflow-text", "tensorflow-text-nightly")
# The installer in the metadata that `penstock enable` writes; in those that a wheel brought it is pip.
INSTALLER = "penstock"
WHEEL = "tensorflow-on-penstock"


def folder() -> pathlib.Path:
    """The folder itself."""
    return pathlib.Path(sysconfig.get_path("purelib"))


def write_stand_in(version: str) -> None:
    """Writes the files that stand for TensorFlow, in place of those of another version.

    Args:
      version: of TensorFlow that pip shall count Penstock as.
    """
    remove_stand_in()
    for path, content in stand_in.files(INSTALLER, version).items():
        file = folder() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def remove_stand_in() -> bool:
    """Removes what `write_stand_in` wrote, in this version or an older one; False if there was nothing."""
    start = folder() / stand_in.START
    written = [place for place in folder().glob("*.dist-info") if _is_ours(place)]
    if not start.exists() and not written:
        return False
    start.unlink(missing_ok=True)
    editor_stubs.remove(folder())
    for place in written:
        shutil.rmtree(place)
    return True


def _is_ours(place: pathlib.Path) -> bool:
    installer = place / "INSTALLER"
    return installer.is_file() and installer.read_text("utf-8").strip() == INSTALLER


def is_brought_by_wheel() -> bool:
    """True if the distribution `tensorflow-on-penstock` is installed."""
    return any(importlib.metadata.distributions(name=WHEEL))


def is_enabled() -> bool:
    """True if `import tensorflow` gives Penstock in every program of this environment."""
    return (folder() / stand_in.START).exists() or is_brought_by_wheel()


def real_tensorflow() -> str | None:
    """Name and version of an installed TensorFlow, or None."""
    return _installed(DISTRIBUTIONS)


def stand_in_version() -> str | None:
    """The version of TensorFlow that pip counts Penstock as here, or None."""
    for distribution in importlib.metadata.distributions(name="tensorflow"):
        if stand_in.is_stand_in(distribution):
            return distribution.version
    return None


def real_text() -> str | None:
    """Name and version of an installed tensorflow-text, whose C++ code only TensorFlow itself can load, or None."""
    return _installed(TEXT)


def _installed(names: tuple[str, ...]) -> str | None:
    """The first of these distributions that is installed and not Penstock's."""
    for name in names:
        for distribution in importlib.metadata.distributions(name=name):
            if not stand_in.is_stand_in(distribution):
                return f"{name} {distribution.version}"
    return None
