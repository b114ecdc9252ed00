"""`penstock key`, `trust`, `pack`, `cache` and `serve --pack`, each in a process of its own."""

import re
import stat
import subprocess
import sys
import urllib.request

import pytest

from penstock._src.aot.packing import Recorder, new_key
from penstock._src.aot.packing.signing import Maker
from penstock._src.bridge.cli import main
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.native.target import levels_of_host
from penstock._src.util.flags import override
from penstock._src.util.process.installing import pip_install

from .kit import Machine, maker, save_small

pytestmark = [
    pytest.mark.timed,
    pytest.mark.skipif(not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64"),
]
FUNCTION = """
import penstock as tf
f = tf.function(lambda x: tf.nn.softmax(tf.cos(x) @ x))
print(float(tf.reduce_sum(f(tf.ones([9, 9])))))
from penstock._src.native.llvm.compile import COMPILATIONS
print(COMPILATIONS.number)
"""


def compiled(machine):
    """How many modules a machine compiles for a function."""
    done = subprocess.run(
        [sys.executable, "-c", FUNCTION],
        env=machine.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    total, count = done.stdout.split()
    assert float(total) == pytest.approx(9.0, rel=1e-5)
    return int(count)


def test_a_secret_key_is_its_owner_s_alone(tmp_path):
    secret, public = maker(tmp_path)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert re.fullmatch(r"penstock-key-1 [0-9a-f]{64}\n", public.read_text())
    with pytest.raises(FileExistsError):
        new_key(secret)
    secret.chmod(0o644)
    with pytest.raises(InvalidArgumentError, match="other users have access"):
        Maker(secret)


def test_what_is_not_a_key_is_refused(tmp_path, capsys):
    path = tmp_path / "key"
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(InvalidArgumentError, match="is not a secret key"):
        Maker(path)
    assert main(["trust", str(path)]) == 2
    assert "does not hold a public key" in capsys.readouterr().err


def test_a_public_key_in_place_of_the_secret_one_is_named(tmp_path):
    _, public = maker(tmp_path)
    with pytest.raises(InvalidArgumentError, match="is a public key"):
        Maker(public)


def test_no_secret_key_is_left_without_its_public_half(tmp_path, capsys):
    (tmp_path / "key.pub").touch()
    assert main(["key", str(tmp_path / "key")]) == 2
    assert "key.pub: File exists." in capsys.readouterr().err
    assert not (tmp_path / "key").exists()


def test_trusted_keys_are_listed(tmp_path, capsys):
    with override(trusted_keys=str(tmp_path / "trusted")):
        assert main(["trust"]) == 0 and capsys.readouterr().out == "No keys are trusted.\n"
        _, public = maker(tmp_path)
        assert main(["trust", str(public)]) == main(["trust"]) == 0
    added, listed = capsys.readouterr().out.splitlines()
    assert added == listed and added.startswith(str(tmp_path / "trusted"))


def test_signing_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    with pytest.raises(FailedPreconditionError, match=re.escape(pip_install("pack"))):
        new_key(tmp_path / "key")
    assert not list(tmp_path.iterdir())


def test_a_cache_travels(tmp_path):
    secret, public = maker(tmp_path)
    first, second = Machine(tmp_path / "first"), Machine(tmp_path / "second", [public])
    assert compiled(first) > 2
    file = tmp_path / "kernels.pack"
    assert "kernels" in first.command("cache", "export", file, "--key", secret)
    assert "signed by a trusted key" in second.command("cache", "verify", file)
    added = int(second.command("cache", "import", file).split()[0])
    assert added > 2 and compiled(second) == 0
    assert second.command("cache", "import", file).startswith("0 kernels are new")


def test_a_cache_that_was_changed_or_is_a_stranger_s_is_not_merged(tmp_path):
    secret, public = maker(tmp_path)
    first = Machine(tmp_path / "first")
    compiled(first)
    file = tmp_path / "kernels.pack"
    first.command("cache", "export", file, "--key", secret)
    stranger = Machine(tmp_path / "stranger")
    with pytest.raises(AssertionError, match="is not trusted"):
        stranger.command("cache", "import", file)
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    second = Machine(tmp_path / "second", [public])
    for action in ("verify", "import"):
        with pytest.raises(AssertionError, match="may not be used: object"):
            second.command("cache", action, file)
    assert compiled(stranger) == compiled(second) > 2


def served_metrics(machine, *arguments):
    """(lines before the server is ready, its metrics of kernels after a request)"""
    command = [sys.executable, "-m", "penstock", "serve", *map(str, arguments)]
    process = subprocess.Popen(
        [*command, "--rest-port=0", "--grpc-port=-1"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        lines, port = [], None
        while port is None:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
            port = re.search(r"REST at http://127.0.0.1:(\d+)", lines[-1])
        root = f"http://127.0.0.1:{port[1]}"
        urllib.request.urlopen(f"{root}/v2/health/ready", timeout=240).close()
        body = b'{"instances": [' + b",".join([b"[" + b",".join([b"0.5"] * 64) + b"]"] * 3) + b"]}"
        request = urllib.request.Request(f"{root}/v1/models/model:predict", body)
        assert b"predictions" in urllib.request.urlopen(request, timeout=240).read()
        with urllib.request.urlopen(f"{root}/monitoring/prometheus/metrics", timeout=240) as reply:
            metrics = dict(
                re.findall(r'kernels_total\{origin="(\w+)"\} (\d+)', reply.read().decode())
            )
        return lines, {origin: int(count) for origin, count in metrics.items()}
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def test_a_server_of_a_packed_model_compiles_nothing(tmp_path):
    secret, public = maker(tmp_path)
    model = save_small(tmp_path / "model")
    first, second = Machine(tmp_path / "first"), Machine(tmp_path / "second", [public])
    said = first.command("pack", model, "--key", secret, "--threads", "2", "--batch", "1,4")
    assert "kernels of" in said
    _, kernels = served_metrics(second, model)
    assert kernels["compiled"] == kernels["from_disk"] == 0 and kernels["from_packs"] > 3


def test_a_server_packs_what_it_serves(tmp_path):
    secret, public = maker(tmp_path)
    model = save_small(tmp_path / "model")
    machine = Machine(tmp_path / "first", [public])
    lines, _ = served_metrics(machine, model, "--pack", secret)
    assert any("packed" in line for line in lines)
    lines, kernels = served_metrics(Machine(tmp_path / "second", [public]), model, "--pack", secret)
    assert not any("packed" in line for line in lines) and kernels["compiled"] == 0


def test_the_sources_are_named_in_a_pack(tmp_path):
    secret, _ = maker(tmp_path)
    with Recorder(["x86-64-v3"], [1]) as recorder:
        data, report = recorder.sealed(Maker(secret))
    assert report.programs == 0 and b'"sources":"' in data
