"""What the checks run on: the image, models, network namespaces for pods, and a proxy."""

import contextlib
import dataclasses
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import penstock as tf
from tests.harness.hosts import Hosts, hosts
from tests.interop.kubernetes.containers import Container, configuration, read_image
from tests.interop.kubernetes.manifests import PodSpec, documents, pod_spec
from tests.interop.kubernetes.pods import Pod
from tests.interop.kubernetes.proxy import Proxy
from tests.interop.kubernetes.rollouts import Deployment
from tools.platforms import image, small_image
from tools.platforms.debian import Tools

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "build" / "kubernetes"
OVERLAY = Path(__file__).with_name("overlay")
PODS = 7  # network namespaces: two replicas, one more during an update, and those that are being deleted
_WIDTH = 64
_COMPILE = small_image.KINDS["compile"].name
# The files of an image, and its archive, by the name that a check is asked for it by.
IMAGES = {
    "serve": (image.WORK / "root", image.WORK / "penstock-serve.tar"),
    "compile": (small_image.WORK / _COMPILE / "root", small_image.WORK / f"{_COMPILE}.tar"),
}


class Versioned(tf.Module):
    """Adds its version; slowly too, in steps that cannot be left out; with weights of some megabytes."""

    def __init__(self, version: float, megabytes: int = 0) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.version = tf.Variable(version)
        self.weight = tf.Variable(random.standard_normal((_WIDTH, _WIDTH)).astype(np.float32) / 8)
        self.more = [
            tf.Variable(random.standard_normal((1 << 20) // 4).astype(np.float32))
            for _ in range(megabytes)
        ]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x):
        weighed = tf.add_n([tf.reduce_sum(each) for each in self.more]) if self.more else 0.0
        return {"y": x + self.version + 0.0 * weighed}

    @tf.function(input_signature=[tf.TensorSpec([1], tf.float32, name="steps")])
    def slow(self, steps):
        value = tf.ones([_WIDTH, _WIDTH])
        for _ in tf.range(tf.cast(steps[0], tf.int32)):
            value = tf.tanh(value @ self.weight)
        return {"y": 0.0 * value[:1, 0] + self.version}


class Machine:
    """Starts pods of the image, with a manifest's limits.

    Args:
      folder: of what containers write.
      network: the pods' network namespaces.
      kubectl: a command, for kustomize.
      kind: of the image, in IMAGES.
    """

    def __init__(self, folder: Path, network: Hosts, kubectl: str, kind: str) -> None:
        self.tools = Tools(WORK / "tools", ("runc", "haproxy", "prometheus"))
        self.image = read_image(*IMAGES[kind])
        self.folder, self._network, self._numbers = folder, network, itertools.count()
        self.addresses = network.addresses
        self.models = folder / "models"
        self.models.mkdir()
        rendered = subprocess.run(
            [kubectl, "kustomize", OVERLAY],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        self.manifests = documents(rendered.stdout)
        self.spec = pod_spec(self.manifests["Deployment"])

    def save(self, name: str, version: float, megabytes: int = 0) -> PodSpec:
        """Saves a model, and returns the pods that serve it."""
        module = Versioned(version, megabytes)
        signatures = {"serving_default": module.__call__, "slow": module.slow}
        tf.saved_model.save(module, str(self.models / name / "1"), signatures)
        options = ["--name=model", *self.spec.arguments[1:]]
        return dataclasses.replace(self.spec, arguments=(f"/models/{name}", *options))

    def start(self, spec: PodSpec, address: str) -> Pod:
        """Starts a pod at an address."""
        name = f"penstock-{next(self._numbers)}"
        number = self.addresses.index(address) + 1
        network = f"/var/run/netns/{self._network.prefix}{number}"
        volumes = {"models": str(self.models)}
        for volume in ("cache", "temporary"):
            path = self.folder / name / volume
            path.mkdir(parents=True)
            os.chown(path, 0, spec.group)  # as a kubelet does for fsGroup
            path.chmod(0o2775)
            volumes[volume] = str(path)
        config = configuration(self.image, spec, name, network, volumes)
        return Pod(spec, address, lambda: Container(self.tools, self.folder / name, config))


@contextlib.contextmanager
def machine(folder: Path, kubectl: str, kind: str) -> Iterator[Machine]:
    """Sets up the network; undoes it at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with hosts(PODS, folder) as network:
        node = ["ip", "addr", "add", "10.77.0.254/24", "dev", f"{network.prefix}b"]
        subprocess.run(node, check=True)
        yield Machine(folder, network, kubectl, kind)


@contextlib.contextmanager
def deployment(on: Machine) -> Iterator[Deployment]:
    """A deployment without pods behind a proxy; ends its pods."""
    folder = on.folder / "proxy"
    folder.mkdir(exist_ok=True)
    proxy = Proxy(on.tools, folder, on.addresses)
    made = Deployment(proxy, on.addresses, on.start)
    try:
        yield made
    finally:
        made.scale(on.spec, 0, 0)
        made.settle()
        proxy.close()
