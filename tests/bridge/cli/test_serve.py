"""`penstock serve` as a command: its line, its signals, its processes."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import grpc
import pytest

from penstock._src.bridge.cli import main
from penstock._src.serving.protos import config
from penstock._src.util.process.installing import pip_install
from tests.harness.processes import lean
from tests.serving.kit import HalfPlusTwo, Rest, save

pytestmark = pytest.mark.timed


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    return str(root)


@pytest.fixture
def serve():
    """`process, rest = serve(arguments)`: the command, once it has said where it is."""
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "penstock", "serve", *arguments]
        ports = ["--rest_api_port=0", "--port=0"]
        made = subprocess.Popen([*command, *ports], env=lean(), stdout=subprocess.PIPE, text=True)
        processes.append(made)
        found = re.search(
            r"REST at http://127.0.0.1:(\d+)/v1/models, gRPC at 127.0.0.1:(\d+)",
            made.stdout.readline(),
        )
        rest = Rest(int(found[1]))
        rest.grpc_port = int(found[2])
        return made, rest

    yield start
    for process in processes:
        process.kill()
        process.wait()


def children(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(path) as file:
        return [int(word) for word in file.read().split()]


def is_worker(number):
    try:
        with open(f"/proc/{number}/cmdline") as file:
            return "spawn_main" in file.read()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return False


def patiently(rest, *asked):
    """The reply, once there is one: a process that died may have had the connection."""
    while True:
        try:
            return rest(*asked)
        except OSError:
            continue


def metrics(rest):
    """Prometheus's page, of whatever process answers."""
    while True:
        try:
            with urllib.request.urlopen(f"{rest.url}/monitoring/prometheus/metrics") as reply:
                return reply.read().decode()
        except OSError:
            continue


def have_loaded(rest, path, *names):
    """Has one of the workers serve a model by several names."""
    request = config.ReloadConfigRequest()
    for name in names:
        request.config.model_config_list.config.add(name=name, base_path=path)
    with grpc.insecure_channel(f"127.0.0.1:{rest.grpc_port}") as channel:
        method = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
        reply = channel.unary_unary(method)(request.SerializeToString(), wait_for_ready=True)
    assert config.ReloadConfigResponse.FromString(reply).status.error_code == 0


ASKED = "/v1/models/half:predict", {"instances": [1.0]}
REPLY = 200, {"predictions": [2.5]}


def test_it_serves_until_it_is_terminated(serve, model):
    process, rest = serve(model, "--model_name=half")
    assert rest(*ASKED) == REPLY
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks at processes in /proc")
def test_a_process_that_dies_is_replaced(serve, model):
    process, rest = serve(model, "--name", "half", "--workers", "2")
    assert patiently(rest, *ASKED) == REPLY
    have_loaded(rest, model, "half", "again")
    workers = {number for number in children(process) if is_worker(number)}
    assert len(workers) == 2
    killed = workers.pop()
    os.kill(killed, signal.SIGKILL)
    while (
        len(left := {number for number in children(process) if is_worker(number)}) < 2
        or killed in left
    ):
        assert patiently(rest, *ASKED) == REPLY
    for _ in range(20):
        assert patiently(rest, *ASKED) == REPLY
    found = ""
    while "\npenstock_serving_processes 2\n" not in found:  # the new one takes a while to start
        found = metrics(rest)  # of both processes, and of the one that died
    count = re.search('request_count{model_name="half",status="OK"} (\\d+)', found)
    assert int(count[1]) > 20
    # Both workers, and the one that replaces, come to serve what a client asked one of them to load.
    again = "/v1/models/again:predict", ASKED[1]
    answers = 0
    while answers < 12:  # connections are spread at random
        status = patiently(rest, *again)[0]
        answers = answers + 1 if status == 200 else 0
        assert status in (200, 404)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected a MODEL"),
        (["m", "--model-config-file", "c"], "expected a MODEL, or"),
        ([".", "--max-batch-size", "0"], "max_batch_size: expected at least 1"),
        ([".", "--workers", "0"], "--workers: expected a number from 1 on. Received '0'"),
        ([".", "--generation-slots", "-1"], "expected a number from 1 on. Received '-1'"),
        ([".", "--tls-certificate", "no/c", "--tls-key", "no/k"], "no/k; No such file"),
        (["no/such"], "no/such: there is no such file"),
        (["--model_config_file", "/no/such"], "no/such"),
        (["--enable_batching", "no/such"], "expected true or false. Received 'no/such'"),
        (["no/such", "--enable_batching"], "no/such: there is no such file"),
    ],
)
def test_command_lines_that_are_refused(arguments, message, capsys):
    assert main(["serve", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch, capsys):
    monkeypatch.setattr("penstock._src.serving.requirements.PACKAGES", ("no_such_package",))
    assert main(["serve", "m"]) == 2
    text = capsys.readouterr().err
    assert text == f"penstock serve: it needs no_such_package: {pip_install('serve')}.\n"


@pytest.mark.parametrize("option", ["--rest-port", "--grpc-port"])
@pytest.mark.parametrize("number", ["65536", "-2", "http"])
def test_ports_that_do_not_exist_are_refused_before_models_are_loaded(option, number, capsys):
    assert main(["serve", "nowhere", option, number]) == 2
    assert f"free one or -1 for none. Received '{number}'" in capsys.readouterr().err
