"""tf.compat.v1.resource_loader and app: files next to the code that reads them, and the start of a program."""

import importlib
import os
import sys

from penstock._src.util.export import export, export_constant
from penstock._src.util.lazy import NamedModule


def _folder_of_caller():
    """The folder of the file that called a function of this module."""
    return os.path.dirname(os.path.abspath(sys._getframe(2).f_code.co_filename))


@export(v1=["resource_loader.load_resource"])
def load_resource(path):
    """The bytes of a file, given relative to the folder of the calling code."""
    with open(os.path.join(_folder_of_caller(), path), "rb") as file:
        return file.read()


@export(v1=["resource_loader.get_data_files_path"])
def get_data_files_path():
    """The folder of the calling code."""
    return _folder_of_caller()


@export(v1=["resource_loader.get_path_to_datafile"])
def get_path_to_datafile(path):
    """The path of a file, given relative to the folder of the calling code."""
    return os.path.join(_folder_of_caller(), path)


@export(v1=["resource_loader.readahead_file_path"])
def readahead_file_path(path, readahead="128M"):
    """Returns the path unchanged: the operating system reads ahead anyway."""
    del readahead
    return path


@export(v1=["resource_loader.get_root_dir_with_all_resources"])
def get_root_dir_with_all_resources():
    """The root folder of resource paths: the folder of the calling code, or its `.runfiles`."""
    folder = _folder_of_caller()
    head, mark, tail = folder.partition(".runfiles" + os.sep)
    return head + mark + tail.split(os.sep)[0] if mark else folder


@export(v1=["app.run"])
def run(main=None, argv=None):
    """Parses the flags of the command line, calls `main` with the remaining arguments, and exits with its result.

    Args:
      main: the program; by default `main` of the script.
      argv: the command line, by default that of the process.

    Raises:
      SystemExit: always, at the end.
    """
    from absl import app  # absl is loaded when it is used

    program = main or sys.modules["__main__"].main
    known = flags.FLAGS
    app.run(main=program, argv=argv, flags_parser=lambda args: known(args, known_only=True))


class _Flags(NamedModule):
    """The flags of programs; absl is loaded when they are used."""

    def __getattr__(self, name):
        return getattr(importlib.import_module(self.__name__), name)

    def __dir__(self):
        return dir(importlib.import_module(self.__name__))


flags = _Flags("penstock._src.v1.process.flags")
export_constant(None, flags, v1=["flags", "app.flags"])
