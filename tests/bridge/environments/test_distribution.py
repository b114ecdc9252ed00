"""The wheel of `tensorflow-on-penstock`: built, and installed by pip without a network. `make five-minutes` installs it in an environment."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from penstock._src.bridge.environments import stand_in
from penstock._src.util.process import installing
from penstock._src.version import OWN_VERSION, VERSION

ROOT = Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "packaging" / "tensorflow-on-penstock"
# The lowest versions that TensorFlow 2.21 takes.
LOWEST = {
    "absl-py": "1.0.0", "astunparse": "1.6.0", "gast": "0.2.1", "h5py": "3.11.0", "opt_einsum": "2.3.2", "packaging": "20.0",
    "requests": "2.21.0", "setuptools": "60.0", "six": "1.12.0", "termcolor": "1.1.0", "typing_extensions": "3.6.6", "wrapt": "1.11.0",
}  # fmt: skip


@pytest.fixture(scope="module")
def backend():
    spec = importlib.util.spec_from_file_location("backend", PACKAGING / "backend.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def installed(backend, tmp_path_factory):
    """A folder into which pip installed the wheel, which was built where Penstock is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stand_in, "installed_name", lambda: installing.NAME)
        wheel = folder / backend.build_wheel(folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--target", str(folder / "packages")]
    subprocess.run([*pip, *offline, str(wheel)], check=True)
    return folder / "packages"


def test_the_wheel_is_built_without_any_library(tmp_path):
    """As `uv build` does it: in an environment that has nothing."""
    build = f"import sys; sys.path.insert(0, {str(PACKAGING)!r}); import backend; backend.build_wheel('.')"
    subprocess.run([sys.executable, "-I", "-S", "-c", build], cwd=tmp_path, check=True)
    assert len(list(tmp_path.glob("*.whl"))) == 1


def test_two_builds_are_equal(backend, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        wheel = backend.build_wheel(tmp_path / name)
    first, second = ((tmp_path / name / wheel).read_bytes() for name in ("a", "b"))
    assert first == second


def test_the_wheel_has_one_folder_of_metadata_of_its_own(backend, tmp_path):
    """Installers refuse a wheel with two."""
    with zipfile.ZipFile(tmp_path / backend.build_wheel(tmp_path)) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert len([top for top in tops if top.endswith(".dist-info")]) == 1
    assert stand_in.START in tops


def test_pip_installs_what_stands_for_tensorflow(installed):
    found = {d.name: d for d in importlib.metadata.distributions(path=[str(installed)])}
    assert set(found) == {"tensorflow-on-penstock", *stand_in.DISTRIBUTIONS}
    assert (installed / stand_in.START).is_file()
    for name in stand_in.DISTRIBUTIONS:
        assert found[name].version == VERSION and stand_in.is_stand_in(found[name])
        assert found[name].requires == [stand_in.REQUIRED]
    assert found["tensorflow-on-penstock"].version == OWN_VERSION


def test_uninstalling_it_would_leave_nothing(installed):
    own = importlib.metadata.distributions(path=[str(installed)], name="tensorflow-on-penstock")
    listed = {str(file) for distribution in own for file in distribution.files}
    there = {str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file()}
    assert there <= listed


def test_it_takes_the_old_versions_that_tensorflow_takes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {r.name: r for r in map(Requirement, project["optional-dependencies"]["tensorflow"])}
    assert not {n for n, lowest in LOWEST.items() if not wanted[n].specifier.contains(lowest)}


def test_it_requires_no_name_that_pip_knows_as_another_project(monkeypatch):
    monkeypatch.setattr(stand_in, "installed_name", lambda: installing.NAME)
    assert f"Requires-Dist: {stand_in.REQUIRED}" in stand_in.metadata("tensorflow")
    monkeypatch.setattr(stand_in, "installed_name", lambda: None)
    assert "Requires-Dist" not in stand_in.metadata("tensorflow")
