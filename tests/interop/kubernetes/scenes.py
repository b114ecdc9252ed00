"""What is checked of a server in containers. Each function says what it saw, or raises."""

import contextlib
import dataclasses
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

import yaml

from tests.interop.kubernetes.autoscaler import Autoscaler, MetricsApi, rule
from tests.interop.kubernetes.clients import PATH, Clients
from tests.interop.kubernetes.machine import ROOT, Machine, deployment
from tests.interop.kubernetes.pods import Pod
from tests.interop.kubernetes.prometheus import Prometheus

PACKAGING = ROOT / "packaging" / "kubernetes"
# Seconds for a pod to become ready on a busy machine.
PATIENCE = 120.0
MEGABYTE = 1 << 20
# Of the slow function: some tenths of a second.
STEPS = 20_000
# Seconds of a request that is in progress when a pod is deleted: more than preStop sleeps.
_DRAINED = 12.0


def ask(pod: Pod, path: str, body: object = None) -> tuple[int, str]:
    """Return the status and the text of a pod's reply."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"http://{pod.address}:8501{path}", data, 60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def begun(on: Machine, pod: Pod) -> None:
    """Waits for readiness.

    Raises:
      AssertionError: it does not come; with the log.
    """
    assert pod.wait_ready(PATIENCE), pod.container.log.read_text()


def life(on: Machine) -> str:
    """A pod starts, is ready, hangs and is restarted, and answers again."""
    pod = on.start(on.save("life", 1.0), on.addresses[0])
    begun(on, pod)
    seconds = time.monotonic() - pod.began
    assert ask(pod, PATH, {"instances": [1.0]})[0] == 200
    server = int((on.folder / "penstock-0" / "pid").read_text())
    os.kill(server, signal.SIGSTOP)
    until = time.monotonic() + PATIENCE
    while not pod.restarts and time.monotonic() < until:
        time.sleep(0.1)
    assert pod.restarts == 1, "a server that hung was not restarted"
    begun(on, pod)
    assert ask(pod, PATH, {"instances": [1.0]})[0] == 200
    ending = pod.delete()
    assert (ending.before_stop, ending.status, ending.killed) == (0, 0, False), ending
    return f"ready after {seconds:.1f} s; restarted when it hung; ended {ending.seconds:.1f} s after SIGTERM"


def memory(on: Machine) -> str:
    """A model that fits is served; one that does not is refused with a sentence; neither is killed."""
    limit = on.spec.memory // MEGABYTE
    fitting, large = limit // 2, limit + 100
    pods = [
        on.start(on.save("fitting", 1.0, fitting), on.addresses[0]),
        on.start(on.save("large", 1.0, large), on.addresses[1]),
    ]
    begun(on, pods[0])
    assert ask(pods[0], PATH, {"instances": [1.0]})[0] == 200
    until = time.monotonic() + PATIENCE
    while not pods[1].asks(pods[1].spec.liveness) and time.monotonic() < until:
        time.sleep(0.1)
    assert ask(pods[1], "/v2/health/live")[0] == 200
    assert ask(pods[1], "/v2/health/ready")[0] == 503
    log = pods[1].container.log.read_text()
    assert "that the memory budget allows" in log, log
    assert [pod.container.kills() for pod in pods] == [0, 0]
    assert [pod.delete().status for pod in pods] == [0, 0]
    return f"limit {limit} MB: a model of {fitting} MB is served, one of {large} MB refused"


def ends(on: Machine) -> str:
    """A request in progress is answered after SIGTERM; a pod that is still starting ends at once."""
    spec = on.save("ends", 5.0)
    pod = on.start(spec, on.addresses[0])
    begun(on, pod)
    replies: list[tuple[int, str, float]] = []
    body = {"signature_name": "slow", "instances": [float(STEPS)]}
    ask(pod, PATH, body)  # the first one compiles
    starts = time.monotonic()
    ask(pod, PATH, body)
    body["instances"] = [STEPS * _DRAINED / (time.monotonic() - starts)]
    thread = threading.Thread(target=lambda: replies.append((*ask(pod, PATH, body), time.monotonic())))  # fmt: skip
    thread.start()
    time.sleep(0.5)
    ending = pod.delete()
    told = time.monotonic() - ending.seconds
    thread.join()
    ((*reply, answered),) = replies
    assert reply == [200, '{"predictions":[5.0]}'], reply
    assert answered > told, "the request ended before SIGTERM: it was too short"
    assert (ending.status, ending.killed) == (0, False), ending
    # Without preStop, whose five seconds may be longer than the start.
    early_spec = dataclasses.replace(spec, before_stop=("true",))
    early = on.start(early_spec, on.addresses[1])
    while not early.container.hears(signal.SIGTERM):
        time.sleep(0.02)
    early_ending = early.delete()
    assert not early_ending.killed, "SIGTERM was not heard by a server that starts"
    return f"a request in progress was answered {answered - told:.1f} s after SIGTERM; one that starts ends within {early_ending.seconds:.1f}"


def rolling_updates(on: Machine, count: int) -> str:
    """Two replicas are replaced again and again under load; no request fails."""
    specs = [on.save(f"version{number}", float(number)) for number in range(1, count + 2)]
    with deployment(on) as replicas:
        replicas.scale(specs[0], 2, PATIENCE)
        clients = Clients(STEPS)
        times = []
        for number, spec in enumerate(specs[1:], 1):
            begins = time.monotonic()
            assert replicas.update(spec, PATIENCE), f"update {number} did not become ready"
            times.append(time.monotonic() - begins)
        replicas.settle()
        last = time.monotonic()
        time.sleep(2)
        answers = clients.end()
        endings = list(replicas.endings)
    failed = [each for each in answers if each.broken]
    assert not failed, f"{len(failed)} of {len(answers)} failed: {failed[:5]}"
    assert {each.version for each in answers} == {float(n) for n in range(1, count + 2)}
    assert {each.version for each in answers if each.begun > last} == {count + 1.0}
    assert all((each.status, each.killed) == (0, False) for each in endings), endings
    by_client = ", ".join(f"{n:,} {name}" for name, n in Counter(a.client for a in answers).items())
    slowest = max(each.ended - each.begun for each in answers if each.client == "slow")
    return (
        f"{count} updates of 2 replicas, {len(answers):,} requests ({by_client}; the slowest took {slowest:.1f} s), 0 failed; an update took "
        f"{sum(times) / count:.1f} s; {len(endings)} pods drained within {max(each.seconds for each in endings):.1f} s of SIGTERM"
    )


def autoscaled(on: Machine) -> str:
    """Replicas come while requests wait, by the server's own metrics, and go when none do."""
    rules = yaml.safe_load((PACKAGING / "prometheus-adapter.yaml").read_text())["data"]
    (adapter,) = yaml.safe_load(rules["config.yaml"])["rules"]
    manifest = on.manifests["HorizontalPodAutoscaler"]
    wanted, spec = rule(manifest), on.save("scaled", 1.0)
    namespace, scaler = manifest["metadata"]["namespace"], Autoscaler(wanted)
    with contextlib.ExitStack() as stack:
        replicas = stack.enter_context(deployment(on))
        prometheus = Prometheus(on.tools, on.folder / "prometheus")
        stack.callback(prometheus.close)
        names = lambda: [pod.address for pod in replicas.pods]  # noqa: E731
        api = MetricsApi(prometheus.url, adapter, namespace, names)
        stack.callback(api.close)
        replicas.scale(spec, wanted.least, PATIENCE)

        def until(count: int, seconds: float) -> list[tuple[int, float]]:
            """Asks the autoscaler every five seconds until there are so many replicas; returns what it saw."""
            seen, end = [], time.monotonic() + seconds
            while len(replicas.pods) != count:
                assert time.monotonic() < end, f"{len(replicas.pods)} replicas after {seen}"
                prometheus.watch(replicas, namespace)
                time.sleep(5)
                values = api.values()
                seen.append((len(replicas.pods), max(values.values(), default=0.0)))
                number = scaler.replicas(time.monotonic(), names(), values)
                replicas.scale(spec, number, PATIENCE)
            return seen

        clients = Clients(STEPS, fast=0, slow=4)
        busy = until(wanted.most, 240.0)
        answers = clients.end()
        idle = until(wanted.least, 300.0)
    failed = [each for each in answers if each.broken]
    assert not failed, failed[:5]
    return (
        f"{wanted.least} to {wanted.most} replicas at {max(each for _, each in busy):.0f} ms in queues (target {wanted.target:g}), {len(answers):,} "
        f"requests, 0 failed; back to {wanted.least} after {5 * len(idle)} s"
    )


def broken_update(on: Machine) -> str:
    """An update to a model that does not fit stops; the replicas before it go on answering."""
    good, large = on.save("good", 1.0), on.save("huge", 2.0, on.spec.memory // MEGABYTE)
    with deployment(on) as replicas:
        replicas.scale(good, 2, PATIENCE)
        clients = Clients(0)
        assert not replicas.update(large, 15.0)
        assert len(replicas.pods) == 2
        answers = clients.end()
    failed = [each for each in answers if each.broken]
    assert not failed, failed[:5]
    assert {each.version for each in answers} == {1.0}
    return f"an update whose model is refused stops: {len(answers):,} requests, all answered by the replicas before it"
