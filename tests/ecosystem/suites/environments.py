"""Environments of the tested libraries, which never contain TensorFlow themselves."""

import hashlib
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
from pathlib import Path

from .libraries import Suite

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("absl-py", "keras", "pytest>=8")


class Environment:
    """A virtual environment with a library and, for the side of TensorFlow, a view of another interpreter's packages."""

    def __init__(self, folder: Path, suite: Suite, tensorflow: str | None = None):
        self.folder, self.suite, self.tensorflow = folder, suite, tensorflow
        self.python = folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder where the library is installed."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    @property
    def tests(self) -> Path:
        """The folder that the globs of the suite start from."""
        return self.folder / "sources" if self.suite.sdist else self.packages

    def make(self) -> None:
        """Installs what is missing; what an earlier call installed for the same row of the table is kept.

        Raises:
          subprocess.CalledProcessError: pip failed; it has said why.
        """
        row = repr((self.suite.alone, self.suite.install, self.suite.sdist, self.tensorflow, TOOLS))
        stamp = self.folder / ".installed"
        digest = hashlib.sha256(row.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        venv.create(self.folder, with_pip=True)
        if self.tensorflow:
            query = [
                self.tensorflow,
                "-c",
                "import sysconfig; print(sysconfig.get_path('purelib'))",
            ]
            seen = subprocess.run(query, check=True, capture_output=True, text=True).stdout
            (self.packages / "tensorflow_packages.pth").write_text(seen)
            own: tuple[str, ...] = ()
        else:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            own = tuple(project["dependencies"])
        self.pip("install", *own, *TOOLS, *self.suite.install)
        self.pip("install", "--no-deps", *self.suite.alone)
        if self.suite.sdist:
            self.unpack()
        stamp.write_text(digest)

    def unpack(self) -> None:
        """Puts the contents of the source distribution into `tests`."""
        fetched = self.folder / "fetched"
        self.pip(
            "download", "--no-deps", "--no-binary", ":all:", "--dest", fetched, self.suite.sdist
        )
        for path in fetched.glob("*.tar.gz"):
            with tarfile.open(path) as archive:
                archive.extractall(self.tests, filter="data")

    def pip(self, *arguments: str | Path) -> None:
        command = [self.python, "-m", "pip", arguments[0], "--quiet", *arguments[1:]]
        subprocess.run(
            command, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        )
