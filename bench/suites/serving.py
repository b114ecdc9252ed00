"""Models behind a server's REST API: requests of one row in JSON, which the server joins, in a closed loop by wrk and in an open one.

Needs `wrk` (a package of Debian's) on the PATH. The answer of the transformer is its last row of logits.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TITLE = "Serving"
NOTE = (
    "Requests of one row over REST, joined in batches, in a closed loop of 1, 8 and 64 clients: answers a second, and latencies in "
    "milliseconds; wrk counts a pause for all requests that would have been sent meanwhile. Then an open loop of 70 % of the answers a second that 64 clients got (`open`), "
    "latencies from when a request was due. LitServe, MLServer and Triton run ONNX Runtime."
)
BACKENDS = ["penstock", "litserve", "mlserver", "triton"]
CASES = ["mlp", "convolutional", "residual", "recurrent", "transformer"]
CLIENTS = (1, 8, 64)
LOWER = {f"p{part}_{n}" for part in (50, 99) for n in CLIENTS}
LOWER |= {"p50_open", "p99_open", "p999_open"}
SECONDS = 5
OPEN_SHARE = 0.7  # of the capacity
OPEN_LOOP = pathlib.Path(__file__).resolve().parent.parent / "serving" / "open_loop.py"
SERVERS = pathlib.Path(__file__).resolve().parent.parent / "servers"
ASK = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = io.open("{body}"):read("*a")
"""
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def last_row(model):
    """Returns the model itself, or one that gives the last row of a sequence of results."""
    import keras

    is_row = len(model.output_shape) == 2
    return model if is_row else keras.Model(model.input, model.output[:, -1])


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def penstock_server(case, folder, port):
    """Exports the model; returns the server's command, its path for requests, and a request of one row."""
    from suites.inference import sample

    model, x = sample(case)
    last_row(model).export(f"{folder}/model/1", verbose=False)
    command = ["-m", "penstock", "serve", f"{folder}/model", "--rest-port", str(port), "--grpc-port", "-1"]  # fmt: skip
    return command, "/v1/models/model:predict", {"instances": x[:1].tolist()}


def litserve_server(case, folder, port):
    """The same of a LitServe application over ONNX Runtime."""
    from suites.inference import exported

    x = exported(case, folder, last_row=True)
    command = [str(SERVERS / "litserve_app.py"), f"{folder}/model.onnx", str(port)]
    return command, "/predict", {"instances": x[:1].tolist()}


def mlserver_server(case, folder, port):
    """The same of an MLServer runtime over ONNX Runtime."""
    from suites.inference import exported

    x = exported(case, folder, last_row=True)
    shutil.copy(SERVERS / "mlserver_runtime.py", folder)
    model = {
        "name": "model", "implementation": "mlserver_runtime.OnnxRuntime", "max_batch_size": 64, "max_batch_time": 0.002,
        "parameters": {"uri": f"{folder}/model.onnx"},
    }  # fmt: skip
    settings = {
        "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1", "parallel_workers": 0,
    }  # fmt: skip
    pathlib.Path(folder, "model-settings.json").write_text(json.dumps(model))
    pathlib.Path(folder, "settings.json").write_text(json.dumps(settings))
    command = ["-c", "from mlserver.cli import main; main()", "start", folder]
    return command, "/v2/models/model/infer", open_inference_request(x)


def triton_server(case, folder, port):
    """The same of Triton over ONNX Runtime."""
    from suites.inference import exported

    x = exported(case, folder, last_row=True)
    command = [str(SERVERS / "triton_app.py"), f"{folder}/model.onnx", str(port)]
    return command, "/v2/models/model/infer", open_inference_request(x)


def open_inference_request(x):
    """A request of the first row in the Open Inference Protocol."""
    kind = {"f": "FP32", "i": "INT32"}[x.dtype.kind]
    tensor = {"name": "x", "shape": [1, *x.shape[1:]], "datatype": kind, "data": x[:1].ravel().tolist()}  # fmt: skip
    return {"inputs": [tensor]}


MAKERS = {
    "penstock": penstock_server,
    "litserve": litserve_server,
    "mlserver": mlserver_server,
    "triton": triton_server,
}


@contextlib.contextmanager
def running(command, url, body):
    """Runs a server until it has answered once."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )  # fmt: skip
    try:
        await_answer(process, url, body)
        yield
    finally:
        stop(process)


def stop(process):
    """Ends a server and its own processes."""
    if process.poll() is None:
        os.killpg(process.pid, 15)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)


def await_answer(process, url, body, seconds=120):
    """Asks until the first answer.

    Raises:
      RuntimeError: the server has ended, or gives none in time.
    """
    refusal, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.stderr.read().decode()[-2000:]}")
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=30).read()
            return
        except OSError as error:  # not there yet, or not ready: HTTP's errors are OSErrors
            refusal = error
        time.sleep(0.2)
    raise RuntimeError(f"no answer in {seconds} s: {refusal}")


def asked(url, script, clients, seconds=SECONDS):
    """Returns what wrk measures: {"rps", "p50", "p99"} of so many clients.

    Raises:
      RuntimeError: some requests were refused.
    """
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "--latency", "-s", script, url]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    spent = {part: re.search(rf"\b{part}%\s+([\d.]+)(us|ms|s|m)\b", said) for part in (50, 99)}
    found = {f"p{part}": float(m[1]) * UNITS[m[2]] for part, m in spent.items()}
    return {"rps": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), **found}


def asked_openly(url, body, rate, seconds=2 * SECONDS):
    """Returns {"rps", "p50", "p99", "p999"} of requests at a constant rate."""
    command = [sys.executable, str(OPEN_LOOP), url, body, str(rate), str(seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(case, backend):
    """Asks a model's server by 1, 8 and 64 clients, and then at a rate."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command, path, request = MAKERS[backend](case, folder, port)
        body, url = json.dumps(request).encode(), f"http://127.0.0.1:{port}{path}"
        pathlib.Path(folder, "body").write_bytes(body)
        pathlib.Path(folder, "ask.lua").write_text(ASK.format(body=f"{folder}/body"))
        with running(command, url, body):
            for clients in CLIENTS:
                asked(url, f"{folder}/ask.lua", clients, 2)
                found = asked(url, f"{folder}/ask.lua", clients)
                figures.update({f"{name}_{clients}": value for name, value in found.items()})
            found = asked_openly(url, f"{folder}/body", OPEN_SHARE * figures[f"rps_{CLIENTS[-1]}"])
            figures.update({f"{name}_open": value for name, value in found.items()})
    return figures
