"""The deployment's manifest: what a pod's container gets of it."""

import re
from pathlib import Path

import pytest
import yaml

from penstock._src.bridge.cli import serve
from tests.interop.kubernetes.containers import Image, configuration
from tests.interop.kubernetes.manifests import pod_spec, quantity

PACKAGING = Path(__file__).resolve().parents[3] / "packaging" / "kubernetes"
SPEC = pod_spec(yaml.safe_load((PACKAGING / "deployment.yaml").read_text()))
CONTAINERFILE = (PACKAGING / "Containerfile").read_text()


def option(name: str) -> float:
    """The value of one of the server's options in the manifest, or its default."""
    parsed = serve._parser().parse_args([*SPEC.arguments])
    return getattr(parsed, name)


def test_the_grace_period_is_longer_than_the_pause_and_the_drain():
    (pause,) = re.findall(r"sleep\((\d+)\)", SPEC.before_stop[-1])
    assert SPEC.grace > float(pause) + option("drain_seconds")


def test_the_pause_needs_only_what_every_image_has():
    assert SPEC.before_stop[0] == "python3"


def test_probes_ask_what_the_server_answers_without_a_key():
    paths = {SPEC.startup.path, SPEC.readiness.path, SPEC.liveness.path}
    assert paths == {"/v2/health/ready", "/v2/health/live"}
    assert {each.port for each in (SPEC.startup, SPEC.readiness)} == {option("rest_port")}


def test_the_container_writes_only_where_volumes_are():
    assert SPEC.read_only and "/models" in SPEC.volumes
    assert {path for path, (_, read_only) in SPEC.volumes.items() if not read_only} == {"/cache", "/tmp"}  # fmt: skip
    assert "PENSTOCK_CACHE_DIR=/cache" in CONTAINERFILE


def test_the_image_and_the_pod_have_the_same_user():
    assert f"USER {SPEC.user}\n" in CONTAINERFILE and f"--uid {SPEC.user} " in CONTAINERFILE


def test_a_container_has_the_limits_and_no_rights():
    image = Image(Path("/image"), ("serve",), {"PATH": "/bin"})
    volumes = dict.fromkeys(("models", "cache", "temporary"), "/somewhere")
    made = configuration(image, SPEC, "pod-1", "/var/run/netns/a", volumes)
    assert made["process"]["args"] == ["serve", *SPEC.arguments]
    assert made["process"]["user"]["uid"] == 10001 and made["process"]["capabilities"] == {}
    assert {"PATH=/bin", "PENSTOCK_THREADS=2", "HOSTNAME=pod-1"} == set(made["process"]["env"])
    resources = made["linux"]["resources"]
    assert resources["memory"] == {"limit": 4 << 30, "swap": 4 << 30}
    assert resources["cpu"] == {"quota": 200_000, "period": 100_000}
    bound = {m["destination"]: m["options"] for m in made["mounts"] if m["type"] == "bind"}
    assert bound == {"/models": ["rbind", "ro"], "/cache": ["rbind", "rw"], "/tmp": ["rbind", "rw"]}


@pytest.mark.parametrize(
    ("text", "number"), [("512Mi", 512 << 20), ("2", 2), ("250m", 0.25), ("1.5Gi", 3 << 29)]
)
def test_quantities_are_read(text, number):
    assert quantity(text) == number
