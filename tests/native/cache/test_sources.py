"""What is kept on disk is named by the contents of all sources that decide it, whatever sizes and times they have."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from penstock._src.compiler.codegen import names
from penstock._src.devices.cpu import kept_plans
from penstock._src.native import code, host
from penstock._src.native.cache.sources import (
    OF_KERNELS,
    OF_MODULES,
    OF_OBJECTS,
    OF_PLANS,
    PACKAGE,
    digest_of,
)

KEPT = {"modules": OF_MODULES, "kernels": OF_KERNELS, "plans": OF_PLANS, "objects": OF_OBJECTS}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package's folders whose sources count."""
    folder = tmp_path_factory.mktemp("package")
    for name in sorted({name for folders in KEPT.values() for name in folders}):
        if not (folder / name).exists():
            shutil.copytree(
                PACKAGE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
    return folder


def digests(package):
    return {kind: digest_of(folders, package) for kind, folders in KEPT.items()}


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Replaces text by text of the same length: size and times stay."""
    status, content = path.stat(), path.read_bytes()
    assert len(old) == len(new) and old in content
    path.write_bytes(content.replace(old, new))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns


@pytest.mark.parametrize("folder", sorted({*OF_MODULES, *OF_KERNELS, *OF_PLANS, *OF_OBJECTS}))
def test_an_edited_source_names_all_that_it_decides_anew(package, folder):
    before = digests(package)
    edited = max((package / folder).rglob("*.py"))
    content = edited.read_bytes()
    edit(edited, content, content.swapcase())
    after = digests(package)
    edit(edited, content.swapcase(), content)
    place = edited.relative_to(package)
    decides = {k for k, of in KEPT.items() if any(place.is_relative_to(name) for name in of)}
    assert decides and {kind for kind in KEPT if before[kind] != after[kind]} == decides
    assert digests(package) == before


def test_a_digest_is_the_same_in_every_installation(package):
    assert digests(package) == digests(PACKAGE)


def test_added_removed_and_moved_sources_are_other_sources(tmp_path):
    (tmp_path / "ir" / "inner").mkdir(parents=True)
    source = tmp_path / "ir" / "rule.py"
    source.write_text("a = 1")
    found = [digest_of(["ir"], tmp_path)]
    for path in (source.with_name("other.py"), tmp_path / "ir" / "inner" / "rule.py"):
        source = source.rename(path)
        found.append(digest_of(["ir"], tmp_path))
    (tmp_path / "ir" / "table.txt").write_text("a = 1")
    found.append(digest_of(["ir"], tmp_path))
    assert len(set(found)) == 4
    (tmp_path / "ir" / "__pycache__").mkdir()
    (tmp_path / "ir" / "__pycache__" / "rule.pyc").write_text("a = 1")
    assert digest_of(["ir"], tmp_path) == found[-1]


def test_a_folder_without_sources_has_no_digest(tmp_path):
    (tmp_path / "ir").mkdir()
    assert digest_of(["ir"], tmp_path) is None and digest_of(["core"], tmp_path) is None


def test_all_names_depend_on_the_sources_and_libraries(monkeypatch):
    def found():
        return {
            "kernel": names.name_of("kernel-1"),
            "module": code.name_of_module("module-1"),
            "plan": kept_plans._state(),
            "object": code.hashed(host(), b"text"),
        }

    before = found()
    changes = {
        (names, "_SOURCES"): {"kernel"},
        (code, "_SOURCES"): {"module"},
        (kept_plans, "_SOURCES"): {"plan"},
        (code, "_COMPILER"): {"object"},
        (code.np, "__version__"): {"kernel", "module", "plan"},
        (code.ml_dtypes, "__version__"): {"kernel", "module", "plan"},
        (code.sys, "version"): {"kernel", "module", "plan"},
    }
    for (module, attribute), expected in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, attribute, "another")
            after = found()
        assert {name for name in before if before[name] != after[name]} == expected, attribute
    assert (names._SOURCES, code._SOURCES) == (digest_of(OF_KERNELS), digest_of(OF_MODULES))
    assert (kept_plans._SOURCES, code._COMPILER) == (digest_of(OF_PLANS), digest_of(OF_OBJECTS))


PROGRAM = """
import penstock as tf
function = tf.function(lambda x: tf.exp(x), autograph=False)
print(tf.__file__, float(function(tf.fill([5], 1.0))[0]))
"""


def test_kernels_of_edited_sources_do_not_run(tmp_path):
    """An image that is built anew with fixed times, and a cache on a volume."""
    shutil.copytree(PACKAGE.parent, tmp_path / "penstock")
    source = tmp_path / "penstock/_src/compiler/codegen/scalars/math32.py"
    for path in source.parent.glob("__pycache__/math32.*"):  # Python would trust it
        path.unlink()
    right, wrong = b"LOG2_E = 1.4426950408889634", b"LOG2_E = 1.5526950408889634"
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "PENSTOCK_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run():
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
            cwd=tmp_path, env=environment,
        )  # fmt: skip
        place, result = process.stdout.split()
        assert Path(place).is_relative_to(tmp_path)
        return float(result)

    edit(source, right, wrong)
    first = run()
    edit(source, wrong, right)
    assert first != run() == pytest.approx(2.7182817, rel=1e-7)
