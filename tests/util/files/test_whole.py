"""Files that are written whole: synced before they are renamed, and left alone if writing fails."""

import os

import pytest

from penstock._src.util.files.whole import written_whole


def test_content_is_synced_before_the_rename(tmp_path, monkeypatch):
    """A crash after the rename must not leave an empty file."""
    calls = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("sync"), sync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("rename"), replace(a, b)))
    with written_whole(tmp_path / "file") as file:
        file.write(b"content")
    assert calls == ["sync", "rename"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_failure_keeps_the_old_file(tmp_path):
    """The half-written file is removed."""
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path, "w") as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_everything_renamed_is_synced_first():
    """Nothing but the helpers renames files that it wrote."""
    import pathlib

    import penstock

    root = pathlib.Path(penstock.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "os.replace(" in path.read_text() or "os.rename(" in path.read_text()
    }
    assert found == {"_src/filesystems/local/system.py", "_src/util/files/whole.py"}


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path):
    path = str(tmp_path / "gone" / "file")
    with pytest.raises(FileNotFoundError) as caught, written_whole(path):
        pass
    assert caught.value.filename == path and ".new-" not in str(caught.value)
