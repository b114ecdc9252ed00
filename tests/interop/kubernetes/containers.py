"""Containers of pods: OCI bundles that runc runs in namespaces and control groups of their own."""

import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.kubernetes.manifests import PodSpec
from tools.platforms.debian import Tools

_HIDDEN = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_CPU_PERIOD = 100_000
_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Image:
    """An unpacked image: its files, and what its Containerfile says to run."""

    root: Path
    entrypoint: tuple[str, ...]
    environment: dict[str, str]


def read_image(root: Path, archive: Path) -> Image:
    """Return an image whose configuration is in an OCI archive."""
    with tarfile.open(archive) as tar:

        def read(digest: str) -> Any:
            file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
            assert file is not None
            return json.load(file)

        index = tar.extractfile("index.json")
        assert index is not None
        manifest = read(json.load(index)["manifests"][0]["digest"])
        config = read(manifest["config"]["digest"])["config"]
    environment = dict(each.split("=", 1) for each in config["Env"])
    return Image(root, tuple(config["Entrypoint"]), environment)


def configuration(
    image: Image, spec: PodSpec, name: str, network: str, volumes: dict[str, str]
) -> dict[str, Any]:
    """Return the OCI configuration of a pod's container.

    Args:
      image: what it runs.
      spec: of the pod.
      name: of the pod, its hostname and its control group.
      network: path of the network namespace.
      volumes: folders of this machine, by volumes' names.
    """
    environment = {**image.environment, **spec.environment, "HOSTNAME": name}
    bound = [
        _mount(path, "bind", volumes[volume], "rbind", "ro" if read_only else "rw")
        for path, (volume, read_only) in spec.volumes.items()
    ]
    memory = {"limit": spec.memory, "swap": spec.memory}
    cpu = {"quota": int(spec.cpus * _CPU_PERIOD), "period": _CPU_PERIOD}
    kinds = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": spec.user, "gid": spec.user, "additionalGids": [spec.group]},
            "args": [*image.entrypoint, *spec.arguments],
            "env": [f"{key}={value}" for key, value in environment.items()],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(image.root), "readonly": spec.read_only},
        "hostname": name,
        "mounts": [
            _mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
            _mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            _mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "size=65536k"),
            _mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            _mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "ro"),
            *bound,
        ],
        "linux": {
            "namespaces": [*kinds, {"type": "network", "path": network}],
            "resources": {"memory": memory, "cpu": cpu},
            "cgroupsPath": f"/penstock-check/{name}",
            "maskedPaths": _HIDDEN,
            "readonlyPaths": _READ_ONLY,
        },
    }


def _mount(path: str, kind: str, source: str, *options: str) -> dict[str, Any]:
    return {"destination": path, "type": kind, "source": source, "options": list(options)}


class Container:
    """A running container.

    Args:
      tools: that have runc.
      folder: of its bundle, its log, and runc's state.
      config: OCI's.

    Attributes:
      log: what the container writes.
    """

    def __init__(self, tools: Tools, folder: Path, config: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        self._tools, self._name = tools, config["hostname"]
        group = config["linux"]["cgroupsPath"].lstrip("/")
        self._memory = _GROUPS / "memory" / group  # version 1
        if not (_GROUPS / "memory").exists():
            self._memory = _GROUPS / group
        self._runc = ["runc", "--root", str(folder / "state")]
        self.log, self._pid_file = folder / "log", folder / "pid"
        self._pid_file.unlink(missing_ok=True)
        run = ["run", "--bundle", str(folder), "--pid-file", str(self._pid_file), self._name]
        with open(self.log, "a") as log:
            self._process = subprocess.Popen(
                tools.command(*self._runc, *run), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def signal(self, number: int) -> None:
        """Sends the container's first process a signal, once there is one."""
        while not self._pid_file.exists() or not self._pid_file.read_text():
            if self._process.poll() is not None:
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        try:
            os.kill(int(self._pid_file.read_text()), number)
        except ProcessLookupError:  # it has ended by itself
            return

    def hears(self, number: int) -> bool:
        """True if the container's first process has a handler of a signal."""
        if not self._pid_file.exists() or not self._pid_file.read_text():
            return False
        lines = Path(f"/proc/{self._pid_file.read_text()}/status").read_text().splitlines()
        (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (number - 1) & 1)

    def execute(self, *command: str) -> int:
        """Runs a command in the container; returns its status."""
        run = self._tools.command(*self._runc, "exec", self._name, *command)
        return subprocess.run(run, capture_output=True).returncode

    def status(self) -> int | None:
        """Return the status that the container ended with; None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float) -> int | None:
        """Wait for the end; return the status, or None if the time is over."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def kills(self) -> int:
        """Return how many processes the kernel has killed for the memory limit."""
        files = (self._memory / name for name in ("memory.oom_control", "memory.events"))
        lines = next(file for file in files if file.exists()).read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])
