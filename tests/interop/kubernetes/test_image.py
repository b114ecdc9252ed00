"""An image's files and configuration, as the builder describes them and containers read them."""

import hashlib
import io
import json
import os
import tarfile

from tests.interop.kubernetes.containers import read_image
from tools.platforms.image import CONTAINERFILE, describe, files


def content(root):
    return {str(path.relative_to(root)): describe(path) for path in files(root)}


def test_builds_differ_by_content_mode_and_kind(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("a")
    (tmp_path / "link").symlink_to("folder")
    before = content(tmp_path)
    assert sorted(before) == ["folder", "folder/file", "link"]
    os.utime(tmp_path / "folder" / "file", (0, 0))
    assert content(tmp_path) == before  # times are set by the builder
    (tmp_path / "folder" / "file").write_text("b")
    (tmp_path / "folder").chmod(0o700)
    (tmp_path / "link").unlink()
    (tmp_path / "link").write_text("folder")
    after = content(tmp_path)
    assert sorted(path for path in before if after[path] != before[path]) == sorted(before)


def test_what_an_image_runs_is_read_from_its_archive(tmp_path):
    with tarfile.open(tmp_path / "image.tar", "w") as tar:

        def add(name, value):
            data = json.dumps(value).encode()
            digest = hashlib.sha256(data).hexdigest()
            entry = tarfile.TarInfo(name or f"blobs/sha256/{digest}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            return {"digest": f"sha256:{digest}"}

        config = add("", {"config": {"Env": ["A=b=c"], "Entrypoint": ["python3", "-m"]}})
        add("index.json", {"manifests": [add("", {"config": config})]})
    image = read_image(tmp_path, tmp_path / "image.tar")
    assert (image.entrypoint, image.environment) == (("python3", "-m"), {"A": "b=c"})


def test_the_image_is_built_of_a_wheel_on_a_base_that_may_be_replaced():
    lines = CONTAINERFILE.read_text().splitlines()
    assert lines.count("ARG BASE=debian:13-slim") == 1
    assert [line for line in lines if line.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]  # fmt: skip
    assert any(line.startswith("COPY penstock_tensors-*.whl ") for line in lines)
