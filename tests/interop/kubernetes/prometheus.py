"""Prometheus, from Debian, which reads pods' metrics."""

import subprocess
import time
import urllib.request
from pathlib import Path

from tests.interop.kubernetes.rollouts import Deployment
from tools.platforms.debian import Tools

PORT = 18590
CONFIGURATION = """
global: {scrape_interval: 2s}
scrape_configs:
  - job_name: pods
    metrics_path: /monitoring/prometheus/metrics
    file_sd_configs:
      - {files: [FOLDER/pods.json], refresh_interval: 1s}
"""


class Prometheus:
    """A running Prometheus.

    Args:
      tools: that have it.
      folder: of its configuration and data.
    """

    def __init__(self, tools: Tools, folder: Path) -> None:
        folder.mkdir()
        self._targets = folder / "pods.json"
        self._targets.write_text("[]")
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.replace("FOLDER", str(folder)))
        options = [f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
        options += [f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error"]
        self.url = f"http://127.0.0.1:{PORT}"
        self._process = subprocess.Popen(tools.command("prometheus", *options))
        until = time.monotonic() + 60
        while not self._is_ready():
            assert self._process.poll() is None and time.monotonic() < until, "no Prometheus"
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready") as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def watch(self, replicas: Deployment, namespace: str) -> None:
        """Reads the metrics of the pods that there are now."""
        entries = ", ".join(
            f'{{"targets": ["{pod.address}:8501"], "labels": {{"namespace": "{namespace}", "pod": "{pod.address}"}}}}'
            for pod in replicas.pods
        )
        partial = self._targets.with_suffix(".partial")
        partial.write_text(f"[{entries}]")
        partial.rename(self._targets)

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
