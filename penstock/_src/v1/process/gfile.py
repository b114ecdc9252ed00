"""tf.compat.v1.gfile: files under TensorFlow 1's names."""

from typing import Any

from penstock._src.api.io import gfile
from penstock._src.util.export import export


@export(v1=["gfile.Copy"])
def copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies a file."""
    gfile.copy(oldpath, newpath, overwrite)


@export(v1=["gfile.DeleteRecursively"])
def delete_recursively(dirname: Any) -> None:
    """Deletes a folder with all it holds."""
    gfile.rmtree(dirname)


@export(v1=["gfile.Exists"])
def exists(filename: Any) -> bool:
    """Whether there is such a file or folder."""
    return gfile.exists(filename)


@export(v1=["gfile.Glob"])
def glob(filename: Any) -> list[str]:
    """Returns the files that fit a pattern."""
    return gfile.glob(filename)


@export(v1=["gfile.IsDirectory"])
def is_directory(dirname: Any) -> bool:
    """Whether there is such a folder."""
    return gfile.isdir(dirname)


@export(v1=["gfile.ListDirectory"])
def list_directory(dirname: Any) -> list[str]:
    """Returns the names in a folder."""
    return gfile.listdir(dirname)


@export(v1=["gfile.MakeDirs"])
def make_dirs(dirname: Any) -> None:
    """Makes a folder and those above it."""
    gfile.makedirs(dirname)


@export(v1=["gfile.MkDir"])
def make_dir(dirname: Any) -> None:
    """Makes a folder."""
    gfile.mkdir(dirname)


@export(v1=["gfile.Remove"])
def remove(filename: Any) -> None:
    """Deletes a file."""
    gfile.remove(filename)


@export(v1=["gfile.Rename"])
def rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Gives a file another name."""
    gfile.rename(oldname, newname, overwrite)


@export(v1=["gfile.Stat"])
def stat(filename: Any) -> Any:
    """Returns a file's length and time."""
    return gfile.stat(filename)


@export(v1=["gfile.Walk"])
def walk(top: Any, in_order: bool = True) -> Any:
    """Returns (folder, folders in it, files in it) for a folder and all below it."""
    return gfile.walk(top, in_order)
