"""The autoscaler's manifest and the adapter's rule: what they decide, and that the server has the metrics that they name."""

import re
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.interop.kubernetes.autoscaler import Autoscaler, query, rule
from tests.serving.kit import HalfPlusTwo, Rest, save

FOLDER = Path(__file__).resolve().parents[3] / "packaging" / "kubernetes"
RULE = rule(yaml.safe_load((FOLDER / "autoscaler.yaml").read_text()))
ADAPTER = yaml.safe_load(
    yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())["data"]["config.yaml"]
)["rules"][0]


def decided(values, times, count=2):
    """The numbers of replicas that are decided on when all pods have these values at these times."""
    scaler, numbers = Autoscaler(RULE), []
    for now in times:
        pods = [f"p{i}" for i in range(count)]
        count = scaler.replicas(now, pods, dict.fromkeys(pods, values(now)))
        numbers.append(count)
    return numbers


def test_long_queues_add_replicas_up_to_the_limit():
    assert decided(lambda now: 45.0, range(0, 60, 15), 1) == [3, 7, 10, 10]


def test_a_value_near_the_target_changes_nothing():
    assert decided(lambda now: 21.5, range(0, 600, 15)) == [2] * 40


def test_a_short_peak_changes_nothing():
    assert decided(lambda now: 90.0 if now == 15 else 20.0, range(0, 60, 5)) == [2] * 12


def test_idle_replicas_leave_one_by_one_after_the_window():
    numbers = decided(lambda now: 60.0 if not now else 0.0, range(0, 700, 15), 3)
    assert numbers[0] == 7  # four at a time at most
    assert numbers[1:20] == [7] * 19
    assert numbers[-1] == 1 and all(a - b in (0, 1) for a, b in zip(numbers[1:], numbers[2:], strict=False))  # fmt: skip


def test_pods_without_a_value_hold_decisions_back():
    scaler = Autoscaler(RULE)
    assert scaler.replicas(0.0, ["a", "b"], {"a": 38.0}) == 2  # idle: the mean is 19
    assert scaler.replicas(400.0, ["a", "b"], {}) == 2


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    options = Options((ModelConfig("half", str(root)),), rest_port=0, grpc_port=-1)
    with running(options) as server:
        rest = Rest(server.rest_port)
        assert rest("/v1/models/half:predict", {"instances": [1.0]})[0] == 200
        for _ in range(500):  # a batch is recorded after it has been answered
            text = _text(rest.url)
            if 'phase="queue"' in text:
                break
            time.sleep(0.01)
        return text


def _text(url):
    with urllib.request.urlopen(f"{url}/monitoring/prometheus/metrics") as reply:
        return reply.read().decode()


def test_the_server_has_the_metrics_of_the_rule(metrics):
    asked = query(ADAPTER, "check", ["a", "b"])
    assert 'namespace="check",pod=~"a|b"' in asked and "<<" not in asked
    for name in re.findall(r"penstock_\w+", asked):
        assert re.search(rf'^{name}{{[^}}]*phase="queue"', metrics, re.M), name
    assert ADAPTER["name"]["as"] == RULE.metric
