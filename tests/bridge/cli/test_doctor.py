"""`penstock doctor`: each kind of trouble is found, with a remedy."""

import importlib.metadata
import json

import pytest

from penstock._src.bridge.cli import commands
from penstock._src.bridge.cli.doctor import (
    cache,
    environment,
    machine,
    report,
    requirements,
    settings,
    trial,
)
from penstock._src.bridge.environments import site_packages
from penstock._src.native.cache import objects, signing
from penstock._src.util import flags


def levels(findings):
    return [(each.level, each.what) for each in findings if each.level != "ok"]


def the_problem(findings):
    (only,) = [each for each in findings if each.level == "problem"]
    assert only.remedy
    return only.what


def test_the_report(capsys):
    status = commands.main(["doctor"])
    out = capsys.readouterr().out
    assert "a small function is compiled and run" in out and "the key of kernels" in out
    assert status == int("\n  problem" in out)


def test_the_report_as_json(capsys, monkeypatch):
    monkeypatch.setattr(report, "CHECKS", {"settings": settings.CHECKS})
    with flags.override(verify=flags.flags.verify):  # the first that is read warns of unknown ones
        monkeypatch.setenv("PENSTOCK_THREAD", "2")
    assert commands.main(["doctor", "--json"]) == 1
    (row,) = [one for one in json.loads(capsys.readouterr().out) if one["level"] == "problem"]
    assert row["check"] == "settings"
    assert row["remedy"] == "Did you mean PENSTOCK_THREADS?"


def test_a_check_that_fails_is_a_problem(capsys, monkeypatch):
    def broken_library():
        raise ImportError("libLLVM is not found")
        yield

    monkeypatch.setattr(report, "CHECKS", {"trial": (broken_library,)})
    assert commands.main(["doctor"]) == 1
    assert "broken library: ImportError: libLLVM is not found" in capsys.readouterr().out


def test_values_that_cannot_be_read(monkeypatch):
    monkeypatch.setenv("PENSTOCK_THREADS", "many")
    assert "PENSTOCK_THREADS: expected int" in the_problem(settings.variables())


def test_variables_that_are_set_are_named(monkeypatch):
    monkeypatch.setenv("PENSTOCK_THREADS", "2")
    assert "PENSTOCK_THREADS is set" in [each.what for each in settings.variables()]


def test_slow_settings(monkeypatch):
    monkeypatch.setenv("PENSTOCK_CHECK", "1")
    monkeypatch.setenv("PENSTOCK_VERIFY", "0")
    monkeypatch.setenv("PENSTOCK_DEVICE", "reference")
    found = [what for _, what in levels(settings.slow_settings())]
    assert len(found) == 2 and "PENSTOCK_CHECK" in found[0] and "reference" in found[1]


@pytest.mark.parametrize(
    ("real", "enabled", "level"),
    [
        (None, False, "ok"),
        (None, True, "ok"),
        ("tensorflow 2.21.0", False, "note"),
        ("tensorflow 2.21.0", True, "problem"),
    ],
)
def test_another_tensorflow(monkeypatch, real, enabled, level):
    monkeypatch.setattr(site_packages, "real_tensorflow", lambda: real)
    monkeypatch.setattr(site_packages, "is_enabled", lambda: enabled)
    monkeypatch.setattr(environment, "missing", lambda *names: [])
    (found,) = environment.tensorflow()
    assert found.level == level


def test_what_tensorflow_would_bring_is_named(monkeypatch):
    required = ["numpy>=1; extra == 'tensorflow'", "nosuch>=1.16; extra == 'tensorflow'", "absent"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: required)
    monkeypatch.setattr(site_packages, "real_tensorflow", lambda: None)
    monkeypatch.setattr(site_packages, "is_enabled", lambda: True)
    _, found = environment.tensorflow()
    assert "would bring nosuch>=1.16," in found.what
    assert found.remedy == "pip install 'nosuch>=1.16'"


@pytest.mark.parametrize(
    ("wanted", "is_refusing"),
    [
        ("tensorflow", False),
        ("tensorflow (>=2.12)", False),
        ("tensorflow>=2.12,<2.16", True),
        ("tensorflow<3", False),
        ("tensorflow<=2.21", False),
        ("tensorflow==2.15.*", True),
        ("tensorflow==2.21.*", False),
        ("tensorflow==2.21", False),
        ("tensorflow~=2.15.0", True),
        ("tensorflow~=2.15", False),
        ("tensorflow!=2.19", False),
        ("tensorflow>=2.22", True),
        ("tensorflow<2; extra == 'old'", False),
        ("tensorflow-hub<0.1", False),
    ],
)
def test_libraries_that_would_have_pip_replace_penstock(monkeypatch, tmp_path, wanted, is_refusing):
    folder = tmp_path / "bound-1.0.dist-info"
    folder.mkdir()
    text = f"Metadata-Version: 2.1\nName: bound\nVersion: 1.0\nRequires-Dist: {wanted}\n"
    (folder / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [each.what for each in environment.bounds() if each.what.startswith("bound 1.0")]
    assert len(found) == is_refusing


def test_another_backend_of_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert "Keras computes with jax" in the_problem(environment.keras())
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert not levels(environment.keras())
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    assert "sets the backend to torch" in the_problem(environment.keras())
    (tmp_path / "keras.json").write_text("{")
    assert "cannot be read" in the_problem(environment.keras())


def test_files_that_hide_packages(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not levels(environment.hidden_packages())
    (tmp_path / "keras.py").touch()
    assert "hides the package keras" in the_problem(environment.hidden_packages())


def test_what_installed_libraries_lack(monkeypatch):
    monkeypatch.setattr(environment, "PARTNERS", {"numpy": ("nosuch", "nosuch", "it needs it")})
    assert "lacks nosuch: it needs it" in the_problem(environment.partners())


def test_versions_that_are_too_old(monkeypatch):
    required = [
        "numpy>=99",
        "nosuch>=1; extra == 'keras'",
        'protobuf>=99; python_version<"3.5"',
        "absent>=1",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: required)
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata,
        "version",
        lambda name: environment.OWN_VERSION if name == environment.NAME else real(name),
    )
    monkeypatch.setattr(environment, "installed_name", lambda: environment.NAME)
    found = [what for level, what in levels(environment.versions()) if level == "problem"]
    assert len(found) == 2
    assert "numpy" in found[0] and "older than Penstock needs (99)" in found[0]
    assert found[1] == "absent is not installed"


@pytest.mark.parametrize(
    ("version", "least", "old"),
    [
        ("2.0", "2", False),
        ("2.0.1", "2.0", False),
        ("1.26.4", "2.0", True),
        ("0.10", "0.9", False),
        ("3.1rc1", "3.2", True),
        ("1", "", False),
    ],
)
def test_the_order_of_versions(version, least, old):
    assert requirements.too_old(version, least) == old


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """A folder of kernels of its own."""
    monkeypatch.setattr(
        objects.ObjectCache, "from_flags", classmethod(lambda cls: cls(tmp_path / "k"))
    )
    return tmp_path / "k"


def test_a_cache_that_grew_or_cannot_be_written(kernels, monkeypatch):
    assert not levels(cache.folder())
    (kernels / "ab").mkdir(parents=True)
    (kernels / "ab" / "c.o").write_bytes(bytes(2000))
    monkeypatch.setattr(objects, "LIMIT", 1000)
    assert "nothing prunes it" in the_problem(cache.folder())
    monkeypatch.setattr(
        objects.ObjectCache, "from_flags", classmethod(lambda cls: cls("/proc/none"))
    )
    assert "/proc is not writable" in the_problem(cache.folder())
    monkeypatch.setattr(objects.ObjectCache, "from_flags", classmethod(lambda cls: cls(None)))
    assert levels(cache.folder())[0][0] == "note"


def test_a_key_that_others_read_or_that_is_none(monkeypatch, tmp_path):
    path = tmp_path / "kernels.key"
    with flags.override(cache_key=str(path)):
        assert not levels(cache.key()) and path.stat().st_size == signing.LENGTH
        path.chmod(0o644)
        assert "others may read" in the_problem(cache.key())
        path.chmod(0o600)
        path.write_bytes(b"short")
        assert "is not a key" in the_problem(cache.key())


def test_limits_of_memory(monkeypatch):
    from penstock._src.core.values import memory_limit

    monkeypatch.setattr(memory_limit, "machine_memory", lambda: 600 << 20)
    assert "0.6 GB of memory: the container's limit" in the_problem(machine.memory())
    monkeypatch.setattr(memory_limit, "machine_memory", lambda: 2 << 30)
    with flags.override(memory_limit=4 << 30):
        assert "more than there is" in the_problem(machine.memory())


def test_more_threads_than_cores(monkeypatch):
    from penstock._src.native import target

    monkeypatch.setattr(target, "usable_cores", lambda: 0)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 4)
    assert "share 0 cores of the machine's 4" in the_problem(machine.threads())


def test_a_run_only_installation_is_not_broken(monkeypatch):
    monkeypatch.setattr(trial, "has_compiler", lambda: False)
    (finding,) = trial.small_program()
    assert finding.level == "note" and "pip install llvmlite" in finding.remedy
