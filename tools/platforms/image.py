"""Builds the image of packaging/kubernetes/Containerfile without a daemon and without a registry's base: `python tools/platforms/image.py`.

    python tools/platforms/image.py [--check]

Debian's buildah runs the Containerfile on a root of Debian's packages (mmdebstrap), which stands for `debian:13-slim`. All is in build/image, where
`root` is the image's content and `penstock-serve.tar` an archive for `podman load` and `ctr image import`. With `--check` it is built again, and an error
names the files that differ. Takes root and Debian's apt-get; installs nothing.
"""

import argparse
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from tools.platforms.debian import Tools

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "image"
CONTAINERFILE = ROOT / "packaging" / "kubernetes" / "Containerfile"
NAME = "localhost/penstock-serve:0.1.0"
BASE, RELEASE = "localhost/debian:13-slim", "trixie"
# As Debian's own slim images: without documents and translations.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# Of files in the image: 1980, so that archives of any kind can hold it.
EPOCH = "315532800"


def main() -> int:
    """Builds the image; returns 1 if two builds differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="build it twice, and compare")
    again = parser.parse_args().check
    tools = Tools(WORK / "tools", ("buildah", "mmdebstrap"))
    write_base(tools, WORK / "base.tar")
    write_wheel(WORK / "context")
    content = build(tools, WORK / "root", WORK / "penstock-serve.tar")
    size = sum(path.lstat().st_size for path in files(WORK / "root"))
    packed = (WORK / "penstock-serve.tar").stat().st_size
    print(
        f"{NAME}: {size / 1e6:.0f} MB in {len(content):,} files, its archive {packed / 1e6:.0f} MB"
    )
    if not again:
        return 0
    other = build(tools, WORK / "again", None)
    different = sorted(path for path in {*content, *other} if content.get(path) != other.get(path))
    shutil.rmtree(WORK / "again")
    print(f"built twice: {len(different)} of {len(content):,} files differ")
    print("\n".join(different[:20]))
    return bool(different)


def write_base(tools: Tools, archive: Path) -> None:
    """Writes a root of Debian's required packages and apt, unless there is one."""
    if archive.exists():
        return
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    source = f"deb http://deb.debian.org/debian {RELEASE} main"
    made = archive.with_name("base.partial.tar")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", *options]
    environment = {"SOURCE_DATE_EPOCH": EPOCH}
    tools.run(*command, RELEASE, made, source, environment=environment)
    made.rename(archive)


def write_wheel(folder: Path) -> None:
    """Writes the tree's wheel, without stubs for editors."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true", "SOURCE_DATE_EPOCH": EPOCH}
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, env=environment)


def build(tools: Tools, root: Path, archive: Path | None) -> dict[str, str]:
    """Builds the image in an empty store, and copies its content and an archive of it; returns the content.

    Returns:
      For each path in the image what it is: kind, owner, mode and a hash of its bytes.
    """
    store, script = WORK / "store", WORK / "build.sh"
    shutil.rmtree(store, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    settings = {
        "storage.conf": f'[storage]\ndriver = "overlay"\nrunroot = "{store}/run"\ngraphroot = "{store}/root"\n',
        "registries.conf": "unqualified-search-registries = []\n",
        "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    }
    for name, text in settings.items():
        (WORK / name).write_text(text)
    arguments = ["--build-arg", f"BASE={BASE}"]
    if Path(AUTHORITIES).exists():
        arguments += ["--build-arg", "PIP_CERT=/run/authorities.pem"]
        arguments += ["--volume", f"{AUTHORITIES}:/run/authorities.pem:ro"]
    script.write_text(SCRIPT)
    values = {
        "WORK": str(WORK), "CONTENT": str(root), "ARCHIVE": str(archive or ""), "EPOCH": EPOCH, "BASE": BASE,
        "IMAGE": NAME, "CONTAINERFILE": str(CONTAINERFILE),
        "CONTAINERS_STORAGE_CONF": str(WORK / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(WORK / "registries.conf"),
    }  # fmt: skip
    tools.run("sh", "-e", script, *arguments, environment=values)
    return {str(path.relative_to(root)): describe(path) for path in files(root)}


SCRIPT = """policy="--signature-policy $WORK/policy.json"
container=$(buildah from $policy scratch)
buildah add $container "$WORK/base.tar" / >&2
buildah commit $policy --quiet --timestamp $EPOCH --rm $container $BASE >&2
buildah bud $policy --quiet --isolation chroot --timestamp $EPOCH --no-cache --layers=false --pull-never "$@" \\
    --file "$CONTAINERFILE" --tag $IMAGE "$WORK/context" >&2
container=$(buildah from $policy $IMAGE)
mkdir -p "$CONTENT"
cp --archive "$(buildah mount $container)/." "$CONTENT"
buildah rm $container >&2
test -z "$ARCHIVE" || { rm -f "$ARCHIVE"; buildah push $policy --quiet $IMAGE "oci-archive:$ARCHIVE:$IMAGE" >&2; }
"""


def files(root: Path) -> list[Path]:
    """Return what is in a folder and below, folders among it."""
    return sorted(
        Path(at) / name for at, folders, names in os.walk(root) for name in folders + names
    )


def describe(path: Path) -> str:
    """Return what a path is: kind and mode, owner, and a hash of its content."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    else:
        content = ""
    return f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid} {content}"


if __name__ == "__main__":
    sys.exit(main())
