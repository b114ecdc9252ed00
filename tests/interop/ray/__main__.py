"""python -m tests.interop.ray: our server as a deployment of Ray Serve, on a Ray of this machine. Run by a Python that has `penstock-tensors[ray]`."""

import concurrent.futures
import json
import tempfile
import time
import urllib.error
import urllib.request

import ray
from ray import serve

import penstock as tf
from penstock import serving
from tests.serving.kit import HalfPlusTwo, save, save_writer

URL = "http://127.0.0.1:8000"
AUTOSCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 2,
    "upscale_delay_s": 0.5,
    "metrics_interval_s": 0.5,
    "look_back_period_s": 1.0,
}


class Slow(tf.Module):
    """Takes a while, in rows that are not joined."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
    def __call__(self, x):
        for _ in tf.range(300):
            x = (
                tf.reduce_mean(tf.linalg.matvec(tf.fill([600, 600], x), tf.fill([600], 1.0)))
                / 600.0
            )
        return {"y": x}


def call(path, request=None, model=None):
    headers = {} if model is None else {"serve_multiplexed_model_id": model}
    body = None if request is None else json.dumps(request).encode()
    try:
        asked = urllib.request.Request(URL + path, body, headers)
        with urllib.request.urlopen(asked, timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def half(name, x, **more):
    return call(f"/v1/models/{name}:predict", {"instances": [x]}, **more)


def replicas():
    running = serve.status().applications["default"].deployments["penstock"].replica_states
    return running.get("RUNNING", 0)


def check_models(root):
    models = tuple(serving.ModelConfig(name, f"{root}/{name}") for name in ("half", "writer"))
    serve.run(serving.ray.application(serving.Options(models), cores=1, num_replicas=2))
    assert replicas() == 2
    assert half("half", 3.0) == (200, b'{"predictions":[3.5]}')
    status, body = half("nobody", 3.0)
    assert status == 404 and "Servable not found" in json.loads(body)["error"]
    assert json.loads(call("/v2/health/ready")[1]) == {"ready": True}
    asked = {"prompt": "abc", "max_tokens": 20, "temperature": 0}
    _, whole = call("/v1/models/writer:generate", asked)
    status, body = call("/v1/models/writer:generate", {**asked, "stream": True})
    events = [json.loads(line.removeprefix(b"data: ")) for line in body.split(b"\n") if line]
    assert status == 200 and len(events) > 1
    assert "".join(event["text"] for event in events) == json.loads(whole)["text"]
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        found = list(clients.map(lambda x: half("half", float(x)), range(200)))
    assert [json.loads(body)["predictions"][0] for _, body in found] == [
        x / 2 + 2 for x in range(200)
    ]


def check_autoscaling(root):
    models = (serving.ModelConfig("slow", f"{root}/slow"),)
    made = serving.ray.application(
        serving.Options(models), cores=1, autoscaling_config=AUTOSCALING, max_ongoing_requests=100
    )
    serve.run(made)
    assert replicas() == 1
    end = time.monotonic() + 90
    with concurrent.futures.ThreadPoolExecutor(12) as clients:
        while replicas() < 2:
            assert time.monotonic() < end, "no second replica was started"
            asked = {"inputs": {"x": 1.0}}
            asking = [clients.submit(call, "/v1/models/slow:predict", asked) for _ in range(24)]
            for each in asking:
                status, body = each.result()
                assert status == 200, body


def check_multiplexing(root):
    options = serving.Options(())
    serve.run(serving.ray.multiplexed(f"{root}/many", options, 2, cores=1, num_replicas=1))
    for round_ in range(2):
        for name, addend in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
            for given in (name, None):  # by the header, and by the path alone
                status, body = half(name, 4.0, model=given)
                assert (status, json.loads(body)["predictions"]) == (200, [2.0 + addend]), (
                    round_,
                    body,
                )
    end = time.monotonic() + 30
    while call("/v2/models/a/ready")[0] != 200:  # asks for a again: b goes
        assert time.monotonic() < end
    for wrong in ("nobody", "..", ".hidden", "%2e%2e"):
        assert half(wrong, 4.0)[0] == 404, wrong


def main():
    with tempfile.TemporaryDirectory() as root:
        save(HalfPlusTwo(), f"{root}/half/1")
        save(Slow(), f"{root}/slow/1")
        save_writer(f"{root}/writer/1")
        for name, addend in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
            save(HalfPlusTwo(two=addend), f"{root}/many/{name}/1")
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
        try:
            for check in (check_models, check_autoscaling, check_multiplexing):
                start = time.monotonic()
                check(root)
                serve.delete("default")
                print(f"{check.__name__}: {time.monotonic() - start:.1f} s", flush=True)
        finally:
            serve.shutdown()
            ray.shutdown()
    print("Ray Serve answers for our server.")


if __name__ == "__main__":
    main()
