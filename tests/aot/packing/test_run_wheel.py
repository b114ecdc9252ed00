"""The wheel for running: Penstock's files, and its requirements but LLVM."""

import base64
import hashlib
import zipfile

import pytest

from penstock._src.util.process.installing import RUN_NAME
from tools.platforms import run_wheel

METADATA = """Metadata-Version: 2.4
Name: penstock-tensors
Version: 0.1.0
Requires-Dist: llvmlite>=0.50
Requires-Dist: numpy>=2.0
Requires-Dist: penstock-tensors[serve]; extra == "generate"
"""


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "penstock_tensors-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("penstock/__init__.py", "x = 1\n")
        file.writestr("penstock/__init__.pyi", "x: int\n")
        file.writestr("penstock_tensors-0.1.0.dist-info/METADATA", METADATA)
        file.writestr("penstock_tensors-0.1.0.dist-info/RECORD", "")
    return path


def test_it_has_the_files_without_the_requirement(wheel, tmp_path):
    path = run_wheel.write(wheel, tmp_path)
    assert path.name == "penstock_tensors_run-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as file:
        info = "penstock_tensors_run-0.1.0.dist-info"
        assert file.namelist() == ["penstock/__init__.py", f"{info}/METADATA", f"{info}/RECORD"]
        text = file.read(f"{info}/METADATA").decode()
        first = file.read(f"{info}/RECORD").decode().splitlines()[0]
    assert f"Name: {RUN_NAME}\n" in text and "llvmlite" not in text
    assert "Requires-Dist: numpy>=2.0\n" in text and f"{RUN_NAME}[serve]" in text
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    assert first == f"penstock/__init__.py,sha256={digest},6"


def test_another_metadata_is_refused():
    with pytest.raises(ValueError, match="There are 0"):
        run_wheel.metadata("Name: penstock-tensors\n")
