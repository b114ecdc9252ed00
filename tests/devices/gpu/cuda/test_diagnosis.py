"""Why there is no GPU, on machines that are made of files."""

import sys

import pytest

import penstock as tf
from penstock._src.devices.gpu.cuda import diagnosis
from penstock._src.devices.gpu.cuda.diagnosis import Machine, diagnose
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.emulator.nccl.library import EmulatedNccl
from penstock._src.util.flags import override
from penstock._src.util.process.installing import pip_install

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files are Linux's")


def no_library():
    raise OSError("libcuda.so.1: cannot open shared object file")


class BuiltMachine:
    """A machine below a folder, to which parts are added."""

    def __init__(self, root):
        self.root, self.environ, self.open = root, {}, no_library

    def file(self, path, text=""):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def gpu(self):
        self.file("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
        self.file("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n")

    def driver(self):
        self.file(
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86\nGCC",
        )

    def diagnosis(self):
        return diagnose(Machine(self.root, self.environ, self.open))


@pytest.fixture
def machine(tmp_path):
    return BuiltMachine(tmp_path)


def test_a_machine_without_a_gpu(machine):
    found = machine.diagnosis()
    assert found.is_absent and "has no NVIDIA GPU" in found.hindrance


def test_gpus_of_others_do_not_count(machine):
    machine.file("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1002")
    machine.file("sys/bus/pci/devices/0000:01:00.0/class", "0x030000")
    assert machine.diagnosis().is_absent


def test_a_gpu_whose_driver_is_not_loaded(machine):
    machine.gpu()
    machine.file("proc/modules", "nouveau 2490368 0 - Live")
    found = machine.diagnosis()
    assert "1 NVIDIA GPU on the PCI bus" in found.facts[0] and not found.is_absent
    assert "driver is not loaded" in found.hindrance
    assert "apt install nvidia-driver" in found.remedy and "nouveau" in found.remedy


def test_a_driver_without_files_of_devices(machine):
    machine.gpu()
    machine.driver()
    assert "nvidia-modprobe" in machine.diagnosis().remedy


def test_a_container_that_was_given_no_gpu(machine):
    machine.file(".dockerenv")
    assert "--gpus all" in machine.diagnosis().remedy
    machine.gpu()
    machine.driver()
    found = machine.diagnosis()
    assert "container" in found.hindrance and "--gpus all" in found.remedy


def test_files_that_this_user_may_not_open(machine, monkeypatch):
    machine.driver()
    machine.file("dev/nvidia0")
    monkeypatch.setattr(diagnosis.os, "access", lambda path, mode: "nvidia" not in path.name)
    found = machine.diagnosis()
    assert "may not open /dev/nvidia0" in found.hindrance and "usermod -aG video" in found.remedy


def with_files(machine):
    machine.gpu()
    machine.driver()
    machine.file("dev/nvidia0")
    return machine


def test_a_driver_without_libcuda(machine):
    found = with_files(machine).diagnosis()
    assert (
        "libcuda.so.1 cannot be loaded" in found.hindrance and "libnvidia-compute" in found.remedy
    )
    machine.file("run/.containerenv")
    assert "NVIDIA_DRIVER_CAPABILITIES=compute" in machine.diagnosis().remedy


def test_gpus_that_are_hidden(machine):
    with_files(machine).environ = {"CUDA_VISIBLE_DEVICES": ""}
    assert "CUDA_VISIBLE_DEVICES" in machine.diagnosis().hindrance


@pytest.mark.parametrize(("code", "words"), [(999, "does not start"), (100, "does not start")])
def test_a_driver_that_does_not_start(machine, code, words):
    library = EmulatedLibrary()
    library.fails["cuInit"] = code
    with_files(machine).open = lambda: library
    found = machine.diagnosis()
    assert (
        words in found.hindrance and f"({code})" in found.hindrance and "nvidia-smi" in found.remedy
    )


def test_a_driver_that_is_too_old(machine, monkeypatch):
    monkeypatch.setattr(diagnosis, "LEAST_CUDA", (13, 9))
    with_files(machine).open = EmulatedLibrary
    assert "only" in machine.diagnosis().hindrance


def test_a_gpu_that_can_be_used(machine):
    with_files(machine).open = EmulatedLibrary
    found = machine.diagnosis()
    assert not found.hindrance
    assert any("compute capability 8.0 (sm_80), 1.0 GB" in fact for fact in found.facts)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, f"({pip_install('nccl')}): gradients of several GPUs are added on the first, those of several processes by"),
        (23203, "NCCL 2.32.3 adds the gradients of several GPUs, in one process or several"),
        (21304, "NCCL 2.13.4 adds the gradients of several GPUs of one process; those of several, by their hosts, take NCCL 2.14"),
    ],
)  # fmt: skip
def test_gpus_are_told_who_adds_their_gradients(machine, version, words):
    library = EmulatedLibrary()
    nccl = EmulatedNccl(library) if version else None
    if nccl is not None:
        nccl.ncclGetVersion = lambda found: setattr(found._obj, "value", version) or 0
    found = diagnosis.diagnose(Machine(with_files(machine).root, {}, lambda: library, lambda: nccl))
    assert not found.hindrance
    assert words in found.facts[-1]


def test_what_is_asked_for_in_vain_says_the_same(machine, monkeypatch):
    machine.gpu()
    monkeypatch.setattr(diagnosis, "THIS", Machine(machine.root, {}, no_library))
    with (
        override(device="GPU"),
        pytest.raises(tf.errors.FailedPreconditionError, match="apt install"),
    ):
        tf.function(lambda x: x + 1)(1.0)
