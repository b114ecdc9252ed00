"""Puts function.py, a packed model and Penstock's wheel for running into an archive for a serverless platform.

    make run-wheel
    python examples/serving/function_zip.py saved_model maker.pub dist/run/penstock_tensors_run-*.whl function.zip --python 3.13

The archive runs on Linux, x86-64 or the `--machine` aarch64. Result: AWS Lambda takes 250 MB unpacked; this is 74 MB with a small model.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOST = 250 * 10**6  # bytes, unpacked
UNUSED = ("**/tests", "numpy/_core/include", "numpy/_core/lib", "**/*.pyi", "bin")


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("model", "key", "wheel", "archive"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--python", default="3.13", help="version of the platform's Python")
    parser.add_argument("--machine", default="x86_64", choices=["x86_64", "aarch64"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        install(folder, given.wheel, given.python, given.machine)
        fill(folder, given.model, given.key)
        size = write(folder, given.archive)
    print(f"{given.archive}: {size / 1e6:.0f} MB unpacked, at most {MOST / 1e6:.0f}")
    return size > MOST


def install(folder, wheel, python, machine):
    """Unpacks the wheel for running and what it needs."""
    platforms = [f"--platform=manylinux_2_{n}_{machine}" for n in (28, 27, 17)]
    options = [*platforms, f"--platform=manylinux2014_{machine}", f"--python-version={python}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    command += [*options, "--only-binary=:all:", f"--target={folder}", wheel]
    subprocess.run(command, check=True)
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def fill(folder, model, key):
    """Adds the function, the model and its maker's key, which the function trusts."""
    shutil.copy(Path(__file__).with_name("function.py"), folder)
    shutil.copytree(model, folder / "model")
    trusted = folder / "trusted"
    command = [sys.executable, "-m", "penstock", "trust", key]
    environment = {**os.environ, "PENSTOCK_TRUSTED_KEYS": str(trusted)}
    subprocess.run(command, env=environment, check=True)
    trusted.chmod(0o755)  # the platform's user reads them
    for path in trusted.iterdir():
        path.chmod(0o644)


def write(folder, archive):
    """Writes the archive; returns the bytes of its files."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in paths:
            target.write(path, path.relative_to(folder))
    return sum(path.stat().st_size for path in paths)


if __name__ == "__main__":
    sys.exit(main())
