"""Hosts on one machine: network namespaces, joined by a bridge. Making them takes root and the command `ip`."""

import contextlib
import itertools
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

_NUMBERS = itertools.count()
# What mpiexec calls in place of ssh: options, the host, a command.
REMOTE_SHELL = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=$1; shift
exec ip netns exec PREFIX${host##*.} /bin/sh -c "$*"
"""


@dataclass(frozen=True)
class Hosts:
    """Namespaces.

    addresses    of the hosts
    prefix       of their names
    environment  what lets MPICH's mpiexec reach them
    """

    addresses: list[str]
    prefix: str
    environment: dict[str, str]

    def command(self, number: int) -> list[str]:
        """What runs a command on a host, from 1 on."""
        return ["ip", "netns", "exec", f"{self.prefix}{number}"]

    def cut(self, number: int) -> None:
        """Takes a host off the network."""
        _ip("link", "set", f"{self.prefix}v{number}", "down")

    def slow_down(self, number: int, bits: float) -> None:
        """Lets a host get so many bits a second."""
        shape = ["tbf", "rate", f"{bits:.0f}", "burst", "16kb", "latency", "400ms"]
        _tc("add", f"{self.prefix}v{number}", "root", *shape)

    def mend(self, number: int) -> None:
        """Undoes what was done to a host; returns once the others reach it."""
        cable = f"{self.prefix}v{number}"
        _ip("link", "set", cable, "up")
        _tc("del", cable, "root")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if Path(f"/sys/class/net/{cable}/operstate").read_text().strip() == "up":
                break
            time.sleep(0.05)
        for each in range(1, len(self.addresses) + 1):  # nobody remembers that it was not there
            _ip("-n", f"{self.prefix}{each}", "neigh", "flush", "all")

    def received(self, number: int) -> int:
        """How many bytes have come to a host."""
        device = Path(f"/sys/class/net/{self.prefix}v{number}/statistics/tx_bytes")
        return int(device.read_text())


@contextlib.contextmanager
def hosts(count: int, folder: Path):
    """Makes hosts; skips the test where that is not possible."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("hosts are network namespaces, which take root and the command `ip`")
    prefix = f"p{os.getpid() % 10000}{next(_NUMBERS)}"
    addresses = [f"10.77.0.{number}" for number in range(1, count + 1)]
    shell = folder / "remote_shell"
    shell.write_text(REMOTE_SHELL.replace("PREFIX", prefix))
    shell.chmod(0o755)
    environment = {
        "HYDRA_LAUNCHER": "ssh",
        "HYDRA_LAUNCHER_EXEC": str(shell),
        "HYDRA_IFACE": "eth0",
        # All run on one kernel: nothing may go through its memory.
        "MPIR_CVAR_NOLOCAL": "1",
        "FI_PROVIDER": "tcp",
        "UCX_TLS": "tcp,self",
    }
    try:
        if not _ip("link", "add", f"{prefix}b", "type", "bridge", check=False):
            pytest.skip("this system makes no network bridges")
        _ip("link", "set", f"{prefix}b", "up")
        for number, address in enumerate(addresses, 1):
            name, cable = f"{prefix}{number}", f"{prefix}v{number}"
            _ip("netns", "add", name)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", cable, "master", f"{prefix}b", "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield Hosts(addresses, prefix, environment)
    finally:
        for number in range(1, count + 1):
            _ip("netns", "del", f"{prefix}{number}", check=False)
            _ip("link", "del", f"{prefix}v{number}", check=False)
        _ip("link", "del", f"{prefix}b", check=False)


def _tc(what: str, *arguments: str) -> None:
    done = subprocess.run(["tc", "qdisc", what, "dev", *arguments], capture_output=True, text=True)
    assert what == "del" or done.returncode == 0, done.stderr


def _ip(*arguments: str, check: bool = True) -> bool:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done.returncode == 0
