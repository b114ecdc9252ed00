"""A horizontal autoscaler for one metric of pods, by the algorithm that Kubernetes documents, and the metrics API that it asks."""

import json
import math
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A ratio of the metric to its target this close to 1 changes nothing.
_TOLERANCE = 0.1
# Kubernetes' policy of scaling up where a manifest has none: these pods, or as many as there are, in so many seconds.
_UP_PODS, _UP_SECONDS = 4, 15.0
_API = "/apis/custom.metrics.k8s.io/v1beta2"


@dataclass(frozen=True)
class Rule:
    """What an autoscaler's manifest says.

    down_pods  that may be removed within `down_seconds`
    """

    metric: str
    target: float
    least: int
    most: int
    up_window: float
    down_window: float
    down_pods: int
    down_seconds: float


def rule(manifest: dict[str, Any]) -> Rule:
    """Read a manifest with a metric of pods."""
    spec = manifest["spec"]
    (metric,) = spec["metrics"]
    target = metric["pods"]["target"]
    assert metric["type"] == "Pods" and target["type"] == "AverageValue"
    (policy,) = spec["behavior"]["scaleDown"]["policies"]
    assert policy["type"] == "Pods"
    return Rule(
        metric["pods"]["metric"]["name"],
        float(target["averageValue"]),
        spec["minReplicas"],
        spec["maxReplicas"],
        float(spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"]),
        float(spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"]),
        policy["value"],
        float(policy["periodSeconds"]),
    )


class Autoscaler:
    """Decides on the number of replicas.

    Args:
      rule: of the manifest.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._wanted: list[tuple[float, int]] = []  # times and recommendations
        self._changes: list[tuple[float, int]] = []  # times and differences

    def replicas(self, now: float, pods: list[str], values: Mapping[str, float]) -> int:
        """Return how many replicas there shall be.

        Args:
          now: in seconds.
          pods: those that are ready.
          values: of the metric, by pods; some may have none.
        """
        rule, count = self._rule, len(pods)
        wanted = min(max(self._recommended(pods, values), rule.least), rule.most)
        self._wanted.append((now, wanted))
        lowest = min(n for at, n in self._wanted if at > now - rule.up_window)
        highest = max(n for at, n in self._wanted if at > now - rule.down_window)
        # Up only if all of a window want it, and down only if none of a longer one wants more.
        stable = min(max(count, lowest), highest) if highest >= lowest else count
        added = sum(n for at, n in self._changes if n > 0 and at > now - _UP_SECONDS)
        removed = sum(-n for at, n in self._changes if n < 0 and at > now - rule.down_seconds)
        most = max(count - added + _UP_PODS, 2 * (count - added))
        least = count + removed - rule.down_pods
        chosen = min(max(stable, min(least, count)), max(most, count))
        if chosen != count:
            self._changes.append((now, chosen - count))
        return chosen

    def _recommended(self, pods: list[str], values: Mapping[str, float]) -> int:
        known = [values[pod] for pod in pods if pod in values]
        if not known:
            return len(pods)
        target, missing = self._rule.target, len(pods) - len(known)
        ratio = sum(known) / len(known) / target
        if abs(ratio - 1) <= _TOLERANCE:
            return len(pods)
        # Pods without a value count as idle where more are wanted, and as busy where fewer are.
        assumed = 0.0 if ratio > 1 else target
        careful = (sum(known) + missing * assumed) / len(pods) / target
        if abs(careful - 1) <= _TOLERANCE or (careful > 1) != (ratio > 1):
            return len(pods)
        return math.ceil(careful * len(pods))


def query(adapter_rule: dict[str, Any], namespace: str, pods: list[str]) -> str:
    """Return what a rule of prometheus-adapter asks Prometheus of some pods."""
    labels = adapter_rule["resources"]["overrides"]
    pod, of = (next(k for k, v in labels.items() if v["resource"] == r) for r in ("pod", "namespace"))  # fmt: skip
    matchers = f'{of}="{namespace}",{pod}=~"{"|".join(pods)}"'
    text: str = adapter_rule["metricsQuery"]
    return text.replace("<<.LabelMatchers>>", matchers).replace("<<.GroupBy>>", pod)


class MetricsApi:
    """A stand-in for prometheus-adapter: answers Kubernetes' custom metrics API from a Prometheus.

    Args:
      prometheus: its URL.
      adapter_rule: the rule of the metric.
      namespace: of the pods.
      pods: names them.
    """

    def __init__(
        self,
        prometheus: str,
        adapter_rule: dict[str, Any],
        namespace: str,
        pods: Callable[[], list[str]],
    ) -> None:
        path = f"{_API}/namespaces/{namespace}/pods/*/{adapter_rule['name']['as']}"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urllib.parse.unquote(self.path) != path:
                    self.send_error(404)
                    return
                asked = urllib.parse.urlencode({"query": query(adapter_rule, namespace, pods())})
                with urllib.request.urlopen(f"{prometheus}/api/v1/query?{asked}") as reply:
                    series = json.load(reply)["data"]["result"]
                body = json.dumps(_value_list(series, namespace)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._url = f"http://127.0.0.1:{self._server.server_port}{path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def values(self) -> dict[str, float]:
        """Return the metric of each pod that has one, as an autoscaler reads it."""
        with urllib.request.urlopen(self._url) as reply:
            items = json.load(reply)["items"]
        return {
            item["describedObject"]["name"]: int(item["value"].removesuffix("m")) / 1000
            for item in items
        }

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


def _value_list(series: list[dict[str, Any]], namespace: str) -> dict[str, Any]:
    """Kubernetes' form of values, in thousandths."""
    items = [
        {
            "describedObject": {"kind": "Pod", "namespace": namespace, "name": each["metric"]["pod"]},
            "value": f"{round(1000 * float(each['value'][1]))}m",
        }
        for each in series
    ]  # fmt: skip
    return {"kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/v1beta2", "items": items}  # fmt: skip
