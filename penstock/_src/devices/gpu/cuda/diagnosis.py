"""Diagnoses whether a GPU can be used: the checks, their results, and the command that repairs the first fault.

Everything is read below a root folder, so that tests can build machines of any kind.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from penstock._src.core.errors import OpError
from penstock._src.devices.gpu.cuda.driver.calls import MAJOR, MINOR, NAMES, Driver, open_library
from penstock._src.devices.gpu.cuda.driver.control import said
from penstock._src.devices.gpu.cuda.nccl.calls import NOT_BLOCKING, find_library, opened
from penstock._src.devices.gpu.target import ARCHITECTURES, architecture_of
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.installing import pip_install

NVIDIA = "0x10de"  # the vendor on the PCI bus
DISPLAY = "0x03"  # the class of PCI devices that GPUs have
LEAST_CUDA = (12, 0)  # since this version drivers read the PTX of every architecture but the newest
GB = 1 << 30


@dataclass(frozen=True)
class Machine:
    """The machine that is diagnosed.

    root      the folder that replaces /
    environ   variables of the environment
    open      returns libcuda, or raises OSError
    nccl      returns libnccl, or None
    """

    root: Path = Path("/")
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    open: Callable[[], Any] = open_library
    nccl: Callable[[], Any] = find_library

    def gpus(self) -> list[Path]:
        """The folders of NVIDIA's GPUs on the PCI bus."""
        names = []
        for folder in sorted((self.root / "sys/bus/pci/devices").glob("*")):
            if _text(folder / "vendor") == NVIDIA and _text(folder / "class").startswith(DISPLAY):
                names.append(folder)
        return names

    def driver(self) -> str:
        """The version text of the kernel's driver; "" if it is not loaded."""
        return _text(self.root / "proc/driver/nvidia/version").partition("\n")[0]

    def files(self) -> list[Path]:
        """The devices' files."""
        return sorted((self.root / "dev").glob("nvidia[0-9]*"))

    def is_container(self) -> bool:
        """True if this is a container, which must be started with GPUs."""
        marks = (".dockerenv", "run/.containerenv")
        if any((self.root / mark).exists() for mark in marks):
            return True
        return "KUBERNETES_SERVICE_HOST" in self.environ or "container" in self.environ

    def is_virtual_linux(self) -> bool:
        """True if this is Linux within Windows, which uses the driver of Windows."""
        return "microsoft" in _text(self.root / "proc/version").lower()


@dataclass(frozen=True)
class Diagnosis:
    """The result: `facts`, then the first fault and its remedy; no fault if a GPU can be used.

    `is_absent`: there is no sign of a GPU, so that nothing is wrong.
    """

    facts: tuple[str, ...]
    hindrance: str = ""
    remedy: str = ""
    is_absent: bool = False

    def __str__(self) -> str:
        return f"{self.hindrance}. {self.remedy}" if self.hindrance else "; ".join(self.facts)


THIS = Machine()


class _Hindered(Exception):
    """A hindrance, its remedy, and True if there is no sign of a GPU."""

    def __init__(self, hindrance: str, remedy: str, is_absent: bool = False):
        super().__init__(hindrance)
        self.hindrance, self.remedy, self.is_absent = hindrance, remedy, is_absent


def diagnose(machine: Machine | None = None) -> Diagnosis:
    """Checks the GPU, its driver, the permission to use it, and libcuda, in this order."""
    facts: list[str] = []
    try:
        for fact in _found(machine or THIS):
            facts.append(fact)
    except _Hindered as found:
        return Diagnosis(tuple(facts), found.hindrance, found.remedy, found.is_absent)
    return Diagnosis(tuple(facts))


def _found(machine: Machine) -> Iterator[str]:
    visible = machine.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        raise _Hindered(
            f"CUDA_VISIBLE_DEVICES={visible!r} hides every NVIDIA GPU",
            "Unset it: unset CUDA_VISIBLE_DEVICES",
        )
    if sys.platform.startswith("linux"):
        yield from _look_at_system(machine)
    yield from _look_at_driver(machine)


def _look_at_system(machine: Machine) -> Iterator[str]:
    """Checks Linux's information about GPUs."""
    gpus, files, driver = machine.gpus(), machine.files(), machine.driver()
    if machine.is_virtual_linux():
        yield _virtual_gpu(machine)
        return
    # Absent is not wrong: nothing is reported as a fault then.
    if not gpus and not files and not driver:
        raise _absent(machine)
    if gpus:
        yield f"{len(gpus)} NVIDIA GPU{'s' * (len(gpus) > 1)} on the PCI bus: {', '.join(c.name for c in gpus)}"
    if not driver and not files:
        remedy = "Install it: sudo apt install nvidia-driver-570 (Ubuntu: sudo ubuntu-drivers install), then reboot"
        if _text(machine.root / "proc/modules").find("nouveau") >= 0:
            remedy += "; it takes the place of nouveau, which is loaded now"
        raise _Hindered("there is an NVIDIA GPU, but its driver is not loaded", remedy)
    if driver:
        yield driver
    if not files:
        if machine.is_container():
            raise _Hindered(
                "the host has an NVIDIA driver, but no GPU was given to this container (no /dev/nvidia0)",
                "Start it with: docker run --gpus all ..., or podman run --device nvidia.com/gpu=all ...",
            )
        raise _Hindered(
            "the driver is loaded, but there is no /dev/nvidia0",
            "Make it: sudo nvidia-modprobe -u -c=0",
        )
    controls = [machine.root / "dev/nvidiactl", *files]
    # Without permission libcuda reports no device, which says nothing about the reason.
    closed = [f for f in controls if f.exists() and not os.access(f, os.R_OK | os.W_OK)]
    if closed:
        name = "/" + str(closed[0].relative_to(machine.root))
        raise _Hindered(
            f"this user may not open {name}",
            "sudo usermod -aG video,render $USER, then log in again",
        )
    yield f"{', '.join('/dev/' + f.name for f in files)} can be opened"


def _virtual_gpu(machine: Machine) -> str:
    """What is known about the GPU of a Linux within Windows."""
    if not (machine.root / "dev/dxg").exists():
        raise _Hindered(
            "Windows gives this Linux no NVIDIA GPU (no /dev/dxg)",
            "Install NVIDIA's driver in Windows, then: wsl --update",
        )
    return "Windows gives its GPU to this Linux"


def _absent(machine: Machine) -> _Hindered:
    """The finding that there is no GPU."""
    if machine.is_container():
        return _Hindered(
            "no NVIDIA device (/dev/nvidia*, /sys/bus/pci) is in this container",
            "If the host has one: docker run --gpus all ..., or podman run --device nvidia.com/gpu=all ...",
            is_absent=True,
        )
    return _Hindered(
        "no NVIDIA device (/dev/nvidia*, /sys/bus/pci) was found, so the machine has no NVIDIA GPU",
        "Everything runs on the CPU",
        is_absent=True,
    )


def _look_at_driver(machine: Machine) -> Iterator[str]:
    """Checks libcuda."""
    name = NAMES.get(sys.platform, "libcuda.so.1")
    try:
        driver = Driver(machine.open())
    except OSError as error:
        remedy = "Install the driver's CUDA library: sudo apt install libnvidia-compute-570 (the version of the driver)"
        if machine.is_container():
            remedy = "Start the container with -e NVIDIA_DRIVER_CAPABILITIES=compute,utility and --gpus all"
        raise _Hindered(f"{name} cannot be loaded ({error})", remedy) from None
    yield f"{name} is loaded"
    try:
        driver.start()
        version = driver.version()
        yield f"the driver supports CUDA {version[0]}.{version[1]}"
        if version < LEAST_CUDA:
            least = ".".join(map(str, LEAST_CUDA))
            raise _Hindered(
                f"the driver supports CUDA {version[0]}.{version[1]} only; Penstock's kernels need {least}",
                "Install a newer driver: sudo apt install nvidia-driver-570, then reboot",
            )
        yield said(version)
        yield from _look_at_devices(driver)
        yield _said_of_nccl(machine.nccl())
    except OpError as error:
        raise _Hindered(
            f"the driver does not start ({error.message})",
            "See what it says: nvidia-smi; after an update of the driver, reboot",
        ) from None


def _said_of_nccl(library: Any) -> str:
    """The way in which GPUs add up gradients of replicas, as text."""
    if library is None:
        return (
            f"NCCL is not installed ({pip_install('nccl')}): gradients of several GPUs are added on the first, "
            "those of several processes by their hosts"
        )
    version = opened(library).version()
    said = f"NCCL {'.'.join(map(str, version))} adds the gradients of several GPUs"
    if version[:2] < NOT_BLOCKING:
        least = ".".join(map(str, NOT_BLOCKING))
        return f"{said} of one process; those of several, by their hosts, take NCCL {least}"
    return f"{said}, in one process or several"


def _look_at_devices(driver: Driver) -> Iterator[str]:
    count = driver.count()
    if not count:
        raise _Hindered("the driver lists no device", "See what it says: nvidia-smi")
    for number in range(count):
        device = driver.device(number)
        capability = driver.attribute(device, MAJOR), driver.attribute(device, MINOR)
        text = f"{driver.name(device)}, compute capability {capability[0]}.{capability[1]}"
        oldest = min(a.number for a in ARCHITECTURES.values())
        if 10 * capability[0] + capability[1] < oldest:
            raise _Hindered(
                f"{text}: compute capability {oldest // 10}.{oldest % 10} or later is required",
                "Choose another: CUDA_VISIBLE_DEVICES=...",
            )
        memory = driver.total_memory(device) / GB
        yield f"{text} ({architecture_of(*capability).name}), {memory:.1f} GB"


def _text(path: Path) -> str:
    """The content of a file; "" if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


__all__ = ["Diagnosis", "Machine", "diagnose"]
