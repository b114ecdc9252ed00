"""tf.compat.v1.resource_loader: files that stand beside the code that reads them."""

import os
import sys

from penstock._src.util.export import export


def _folder_of_caller():
    """The folder of the file that called a function of this module."""
    return os.path.dirname(os.path.abspath(sys._getframe(2).f_code.co_filename))


@export(v1=["resource_loader.load_resource"])
def load_resource(path):
    """The bytes of a file, named from the folder of the calling code."""
    with open(os.path.join(_folder_of_caller(), path), "rb") as file:
        return file.read()


@export(v1=["resource_loader.get_data_files_path"])
def get_data_files_path():
    """The folder of the calling code."""
    return _folder_of_caller()


@export(v1=["resource_loader.get_path_to_datafile"])
def get_path_to_datafile(path):
    """The path of a file, named from the folder of the calling code."""
    return os.path.join(_folder_of_caller(), path)


@export(v1=["resource_loader.readahead_file_path"])
def readahead_file_path(path, readahead="128M"):
    """The path as it is: the operating system reads ahead by itself."""
    del readahead
    return path
