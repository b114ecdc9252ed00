"""Builds small images without a daemon, a shell or a package manager in them: `python -m tools.platforms.small_image [run | compile] [--check]`.

    run       the wheel for running and what serves models, without LLVM: for models with packs (docs/packs.md)
    compile   Penstock with LLVM

A root of Debian's Python and its libraries by mmdebstrap, the packages of PyPI by pip, then packaging/small/Containerfile by Debian's buildah. All is in
build/small, where `penstock-run.tar` is an archive for `podman load` and `ctr image import`. With `--check` the root is assembled again, and an error names
the files that differ. Takes root and Debian's apt-get; installs nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from penstock._src.util.process.installing import NAME
from tools.platforms import run_wheel
from tools.platforms.debian import Tools
from tools.platforms.image import EPOCH, LEFT_OUT, RELEASE, ROOT, describe, files, write_wheel

WORK = ROOT / "build" / "small"
CONTAINERFILE = ROOT / "packaging" / "small" / "Containerfile"
PYTHON = "3.13"  # of the release
DEBIAN = ("base-files", "ca-certificates", "libstdc++6", "python3")
# Character sets of other alphabets' old encodings, the package manager, and tests.
UNUSED = (
    "/usr/lib/*-linux-gnu/gconv/*", "/usr/bin/deb*", "/usr/bin/dpkg*", "/usr/lib/dpkg/*", "/usr/share/perl5/*",
    "/usr/bin/openssl", "/usr/bin/c_rehash", "/usr/lib/python3*/test/*", "/usr/share/gcc/*",
)  # fmt: skip
UNUSED_PACKAGES = ("**/tests", "numpy/_core/include", "numpy/_core/lib", "**/*.pyi", "bin")


@dataclass(frozen=True)
class Kind:
    """An image.

    name          of the image, without its version
    most          bytes that its files may have
    requirements  besides the wheel: what serves models. uvloop is optional, and 16 MB
    runs_only     whether the wheel is the one without LLVM
    """

    name: str
    most: int
    requirements: tuple[str, ...]
    runs_only: bool


SERVING = ("ngh2>=0.3,<0.4", "uvicorn>=0.30", "httptools>=0.6", "orjson>=3.10")
KINDS = {
    "run": Kind("penstock-run", 150 * 10**6, SERVING, True),
    "compile": Kind("penstock-compile", 350 * 10**6, SERVING, False),
}


def main() -> int:
    """Builds an image; returns 1 if it is too large, or its root differs when assembled again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", nargs="?", default="run", choices=KINDS)
    parser.add_argument("--check", action="store_true", help="assemble the root twice, and compare")
    given = parser.parse_args()
    kind = KINDS[given.kind]
    tools = Tools(WORK / "tools", ("buildah", "mmdebstrap"))
    write_base(tools, WORK / "base.tar")
    context = WORK / kind.name
    content = assemble(kind, context / "root")
    archive = WORK / f"{kind.name}.tar"
    build(tools, kind, context, archive)
    size = sum(path.lstat().st_size for path in files(context / "root"))
    print(
        f"{kind.name}: {size / 1e6:.0f} MB in {len(content):,} files, at most {kind.most / 1e6:.0f}; "
        f"its archive {archive.stat().st_size / 1e6:.0f} MB"
    )
    different: list[str] = []
    if given.check:
        other = assemble(kind, context / "again")
        both = {*content, *other}
        different = sorted(path for path in both if content.get(path) != other.get(path))
        shutil.rmtree(context / "again")
        print(f"assembled twice: {len(different)} of {len(content):,} files differ")
        print("\n".join(different[:20]))
    return bool(different) or size > kind.most


def write_base(tools: Tools, archive: Path) -> None:
    """Writes a root of Debian's Python, unless there is one."""
    if archive.exists():
        return
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in (*LEFT_OUT, *UNUSED)]
    source = f"deb http://deb.debian.org/debian {RELEASE} main"
    made = archive.with_name("base.partial.tar")
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--mode=root", *options]
    included = f"--include={','.join(DEBIAN)}"
    environment = {"SOURCE_DATE_EPOCH": EPOCH}
    tools.run(*command, included, RELEASE, made, source, environment=environment)
    made.rename(archive)


def assemble(kind: Kind, root: Path) -> dict[str, str]:
    """Writes the root of an image; returns what each path in it is."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    with tarfile.open(WORK / "base.tar") as base:
        base.extractall(root, filter="fully_trusted")
    for pattern in (*LEFT_OUT, *UNUSED):
        for path in root.glob(pattern.lstrip("/")):
            remove(path)
    write_wheel(WORK / "wheel")
    (wheel,) = (WORK / "wheel").glob(f"{NAME.replace('-', '_')}-*.whl")
    if kind.runs_only:
        wheel = run_wheel.write(wheel, WORK / "wheel")
    install(root / "packages", wheel, kind.requirements)
    for pattern in UNUSED_PACKAGES:
        for path in list((root / "packages").glob(pattern)):
            remove(path)
    for name in ("models", "trusted"):
        (root / name).mkdir()
    (root / "cache").mkdir()
    os.chown(root / "cache", 10001, 10001)
    return {str(path.relative_to(root)): describe(path) for path in files(root)}


def install(folder: Path, wheel: Path, requirements: tuple[str, ...]) -> None:
    """Unpacks wheels for the image's Python into a folder, with what they need."""
    architecture = os.uname().machine
    platforms = [f"--platform=manylinux_2_{n}_{architecture}" for n in (28, 27, 17)]
    platforms.append(f"--platform=manylinux2014_{architecture}")
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    command += ["--no-compile", f"--python-version={PYTHON}", *platforms, "--only-binary=:all:"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run(
        [*command, f"--target={folder}", wheel, *requirements], check=True, env=environment
    )


def remove(path: Path) -> None:
    """Removes a file, or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def build(tools: Tools, kind: Kind, context: Path, archive: Path) -> None:
    """Makes an image of a context, and an archive of it."""
    store, script = WORK / "store", WORK / "build.sh"
    shutil.rmtree(store, ignore_errors=True)
    settings = {
        "storage.conf": f'[storage]\ndriver = "overlay"\nrunroot = "{store}/run"\ngraphroot = "{store}/root"\n',
        "registries.conf": "unqualified-search-registries = []\n",
        "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    }
    for name, text in settings.items():
        (WORK / name).write_text(text)
    script.write_text(SCRIPT)
    archive.unlink(missing_ok=True)
    values = {
        "WORK": str(WORK), "CONTEXT": str(context), "ARCHIVE": str(archive), "EPOCH": EPOCH,
        "IMAGE": f"localhost/{kind.name}:0.1.0", "CONTAINERFILE": str(CONTAINERFILE),
        "CONTAINERS_STORAGE_CONF": str(WORK / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(WORK / "registries.conf"),
    }  # fmt: skip
    tools.run("sh", "-e", script, environment=values)


SCRIPT = """policy="--signature-policy $WORK/policy.json"
buildah bud $policy --quiet --isolation chroot --timestamp $EPOCH --no-cache --layers=false --pull-never \\
    --file "$CONTAINERFILE" --tag $IMAGE "$CONTEXT" >&2
buildah push $policy --quiet $IMAGE "oci-archive:$ARCHIVE:$IMAGE" >&2
"""


if __name__ == "__main__":
    sys.exit(main())
