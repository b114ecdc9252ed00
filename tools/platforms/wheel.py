"""Builds the wheel and the source archive twice, from different folders and settings, and fails unless they are equal to the byte.

    python tools/platforms/wheel.py --uv uv

Every public package must have its stub in both. Leaves both in dist/, and beside them SHA256SUMS. Dates in the archives are that of the last commit, or SOURCE_DATE_EPOCH's.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"


def main() -> int:
    """Returns 1 if two builds differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv")
    args = parser.parse_args()
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    with tempfile.TemporaryDirectory() as here:
        first = build(args.uv, Path(here) / "a", epoch, "UTC", 0o022)
        second = build(args.uv, Path(here) / "some" / "deeper", epoch, "Asia/Kolkata", 0o077)
        if sums(first) != sums(second):
            print(f"The builds differ:\n{sums(first)}\n{sums(second)}", file=sys.stderr)
            return 1
        lacking = [name for archive in archives(first) for name in packages_without_stub(archive)]
        if lacking:
            print(f"Without a stub: {', '.join(lacking)}", file=sys.stderr)
            return 1
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(first, DIST, ignore=shutil.ignore_patterns(".gitignore"))
    lines = [f"{digest}  {name}" for name, digest in sums(DIST).items()]
    (DIST / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


def build(uv: str, folder: Path, epoch: str, zone: str, umask: int) -> Path:
    """Builds a copy of the tracked files in `folder`; returns where the archives are."""
    source, out = folder / "source", folder / "dist"
    previous = os.umask(umask)
    try:
        for name in git("ls-files", "-z").rstrip("\0").split("\0"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
        environment = dict(os.environ, SOURCE_DATE_EPOCH=epoch, TZ=zone)
        environment.pop("HATCH_BUILD_NO_HOOKS", None)  # for editable installations alone
        command = [uv, "build", "--quiet", "--out-dir", str(out), str(source)]
        subprocess.run(command, env=environment, check=True)
    finally:
        os.umask(previous)
    return out


def archives(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in (".whl", ".gz"))


def sums(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in archives(folder)}


def packages_without_stub(archive: Path) -> list[str]:
    """The public packages in a wheel or source archive beside which no stub stands."""
    if archive.suffix == ".whl":
        names = zipfile.ZipFile(archive).namelist()
    else:
        names = tarfile.open(archive).getnames()
    paths = {name[name.index("penstock/") :] for name in names if "penstock/" in name}
    public = [p for p in paths if p.endswith("/__init__.py") and not p.startswith("penstock/_src/")]
    return sorted(path for path in public if f"{path}i" not in paths)


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
