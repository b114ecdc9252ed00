"""A library's files: of an installed distribution, a folder, a wheel or a source distribution."""

from __future__ import annotations

import importlib.metadata
import os
import tarfile
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from penstock._src.bridge.cli.arguments import Refused

_ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2")


class Library(NamedTuple):
    """A library.

    Attributes:
      title: its name, and version if it is known.
      files: (path, contents) of its Python files.
    """

    title: str
    files: list[tuple[str, bytes]]


def library(name: str) -> Library:
    """Returns the files of a library.

    Args:
      name: of an installed distribution, or a path.

    Raises:
      Refused: there is none, or it has no Python files.
    """
    try:
        title, files = _found(name)
        listed = [(path, contents) for path, contents in files if path.endswith(".py")]
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise Refused(f"{name}: {error}") from error
    if not listed:
        raise Refused(f"{name} has no Python files.")
    return Library(title, listed)


def _found(name: str) -> tuple[str, Iterator[tuple[str, bytes]]]:
    title = os.path.basename(os.path.abspath(name))
    if os.path.isdir(name):
        return title, _of_folder(name)
    if name.endswith((".whl", ".zip")):
        return title, _of_zip(name)
    if name.endswith(_ARCHIVES):
        return title, _of_tar(name)
    if os.path.isfile(name):
        return title, iter([(name, _contents(name))])
    try:
        distribution = importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        raise Refused(f"{name} is neither an installed distribution nor a path.") from error
    return f"{distribution.name} {distribution.version}", _of_distribution(distribution)


def _contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _of_folder(folder: str) -> Iterator[tuple[str, bytes]]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(place, name)
                yield os.path.relpath(path, folder), _contents(path)


def _of_zip(path: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".py"):
                yield name, archive.read(name)


def _of_tar(path: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".py") else None
            if content is not None:
                # The first folder is the distribution's own.
                yield member.name.partition("/")[2] or member.name, content.read()


def _of_distribution(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or []:
        path = str(file.locate())
        if path.endswith(".py") and os.path.isfile(path):
            yield str(file), _contents(path)
