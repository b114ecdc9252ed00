"""Debian's packages, downloaded, or unpacked in a folder and seen as installed by commands that run in a mount namespace: the system stays as it is."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def download(
    folder: Path,
    packages: Sequence[str],
    release: str,
    architectures: Sequence[str] = ("amd64",),
    with_dependencies: bool = False,
) -> list[Path]:
    """Downloads packages of a release and of architectures that need not be the system's.

    Args:
      folder: for apt's lists and the archives.
      packages: Debian's names, with ":arm64" for those of another architecture.
      release: Debian's name of it.
      architectures: of the packages.
      with_dependencies: True for the packages that these depend on, too.

    Returns:
      The archives.
    """
    apt, archives = folder / "apt", folder / "archives"
    for path in (apt / "lists" / "partial", apt / "cache" / "archives" / "partial", archives):
        path.mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    options = f"arch={','.join(architectures)} signed-by={KEYS}"
    (apt / "sources.list").write_text(
        f"deb [{options}] http://deb.debian.org/debian {release} main\n"
    )
    settings = {
        "Dir::State": apt, "Dir::State::status": apt / "status", "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list", "Dir::Etc::sourceparts": "-", "APT::Sandbox::User": "root",
        # Without it an unreachable mirror is a warning, and packages are looked for in old lists.
        "APT::Update::Error-Mode": "any",
    }  # fmt: skip
    options_of_apt = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    get = ["apt-get", "-qq", *options_of_apt]
    subprocess.run([*get, "update"], check=True)
    if with_dependencies:
        packages = _to_install(get, packages)
    subprocess.run([*get, "download", *packages], cwd=archives, check=True)
    return sorted(archives.glob("*.deb"))


def _to_install(get: Sequence[str], packages: Sequence[str]) -> list[str]:
    """Returns the packages that would be installed for some, themselves among them."""
    planned = subprocess.run(
        [*get, "-s", "--no-install-recommends", "install", *packages],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [line.split()[1] for line in planned.stdout.splitlines() if line[:5] == "Inst "]


class Tools:
    """Commands of packages and of what these depend on.

    Args:
      folder: that packages are unpacked in.
      packages: Debian's names.
    """

    def __init__(self, folder: Path, packages: Sequence[str]) -> None:
        self._root, self._lists = folder / "root", folder / "lists"
        self._packages = packages
        stamp = folder / "packages"
        if not stamp.exists() or stamp.read_text().split() != list(packages):
            self._unpack(folder / "archives")
            stamp.write_text("\n".join(packages))

    def _unpack(self, archives: Path) -> None:
        for path in (self._lists / "partial", archives, self._root / "usr"):
            path.mkdir(parents=True, exist_ok=True)
        get = ["apt-get", "-qq", "-o", f"Dir::State::lists={self._lists}"]
        get += ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
        subprocess.run([*get, "update"], check=True)
        missing = _to_install(get, self._packages)
        if missing:
            subprocess.run([*get, "download", *missing], cwd=archives, check=True)
        for archive in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", archive, self._root], check=True)

    def command(self, *words: str | Path) -> list[str]:
        """Return what runs a command with the packages in /usr, for itself and the processes that it starts.

        Mounts that the command makes end with it. Takes root and overlay file systems.
        """
        mount = f"mount -t overlay overlay -o lowerdir={self._root / 'usr'}:/usr /usr"
        script = f"{mount} && exec {shlex.join(map(str, words))}"
        return ["unshare", "--mount", "/bin/sh", "-c", script]

    def run(self, *words: str | Path, environment: dict[str, str] | None = None) -> str:
        """Runs a command; returns what it wrote.

        Raises:
          RuntimeError: it failed.
        """
        done = subprocess.run(
            self.command(*words), env={**os.environ, **(environment or {})},
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed: {(done.stderr or done.stdout)[-3000:]}")
        return done.stdout
