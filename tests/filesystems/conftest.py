"""Folders of every kind of file system."""

import uuid

import pytest


@pytest.fixture(params=["local", "file", "ram", "memory"])
def folder(request, tmp_path):
    """The path of a new folder."""
    if request.param == "local":
        return str(tmp_path)
    if request.param == "file":
        return f"file://{tmp_path}"
    if request.param == "memory":
        pytest.importorskip("fsspec")
    return f"{request.param}://{uuid.uuid4().hex}"
