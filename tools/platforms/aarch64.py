"""Runs tests on an emulated 64-bit ARM processor: Debian's Python for it under QEMU, with the libraries' wheels for it.

    python -m tools.platforms.aarch64 --uv uv [--cpu cortex-a72] [tests/native ...]

Needs an x86-64 machine with Debian's apt-get and dpkg; installs nothing, all is in build/aarch64. QEMU is some twenty times slower than the
machine itself, so choose tests. `--cpu` takes QEMU's names.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools.platforms.debian import download

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "aarch64"
SYSTEM = WORK / "root"
PYTHON = SYSTEM / "usr" / "bin" / "python3"
RELEASE, VERSION = "trixie", "3.13"
PACKAGES = (
    f"python{VERSION}", f"python{VERSION}-minimal", f"libpython{VERSION}-minimal", f"libpython{VERSION}-stdlib",
    "libc6", "libstdc++6", "libgcc-s1", "libssl3t64", "libffi8", "zlib1g", "libbz2-1.0", "liblzma5", "libsqlite3-0",
    "libexpat1", "libuuid1", "libncursesw6", "libtinfo6", "libreadline8t64", "libzstd1",
)  # fmt: skip
LIBRARIES = (
    "numpy",
    "llvmlite",
    "ml_dtypes",
    "protobuf",
    "scipy",
    "keras",
    "h5py",
    "pillow",
    "pytest",
    "pytest-rerunfailures",
    "hypothesis",
    "absl-py",
    "gast",
    "cryptography",
)
TESTS = (
    "tests/native",
    "tests/runtime/test_program.py",
    "tests/compiler/codegen/contraction/images/test_conv.py",
    "tests/compiler/codegen/contraction/products/test_products.py",
)


def main() -> int:
    """Sets the system up where it is not, runs the tests, and returns pytest's status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--cpu", default="neoverse-n2")
    parser.add_argument("tests", nargs="*", help="instead of the tests of native code")
    args = parser.parse_args()
    if not PYTHON.exists():
        unpack()
        install(args.uv)
        write_python()
    # Byte code is written: without it each process compiles all that it imports, in minutes.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = dict(
        inherited, QEMU_CPU=args.cpu, PENSTOCK_CACHE_DIR=str(WORK / "cache"),
        PYTHONPYCACHEPREFIX=str(WORK / "bytecode"), PYTHONPATH=str(ROOT),
    )  # fmt: skip
    pytest = [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run([*pytest, *(args.tests or TESTS)], cwd=ROOT, env=environment).returncode


def unpack() -> None:
    """Unpacks QEMU, and Python with its libraries for the processor."""
    SYSTEM.mkdir(parents=True, exist_ok=True)
    names = ["qemu-user", *(f"{name}:arm64" for name in PACKAGES)]
    for archive in download(WORK, names, RELEASE, ("amd64", "arm64")):
        to = SYSTEM if archive.name.endswith("_arm64.deb") else WORK / "qemu"
        subprocess.run(["dpkg", "-x", archive, to], check=True)
    (SYSTEM / "lib").symlink_to("usr/lib")


def install(uv: str) -> None:
    """Installs the libraries' wheels for the processor where its Python looks for them."""
    packages = SYSTEM / "usr" / "lib" / "python3" / "dist-packages"
    platform = ["--python-platform", "aarch64-manylinux_2_28", "--python-version", VERSION]
    command = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--target",
        packages,
        *platform,
        "--only-binary",
        ":all:",
    ]
    subprocess.run([*command, *LIBRARIES], check=True)


def write_python() -> None:
    """Writes `python3`, which runs Python in QEMU and is sys.executable there, so that tests can start processes."""
    qemu = WORK / "qemu" / "usr" / "bin" / "qemu-aarch64"
    command = f'exec {qemu} -L {SYSTEM} -0 "$0" {PYTHON.with_name(f"python{VERSION}")} "$@"'
    PYTHON.write_text(f"#!/bin/sh\n{command}\n")
    PYTHON.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
