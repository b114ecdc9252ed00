"""Writes the wheel for running from Penstock's: the same files, without the requirement of LLVM: `python tools/platforms/run_wheel.py WHEEL FOLDER`.

It is for machines that run packed models (docs/packs.md). Stubs for editors are left out.
"""

import argparse
import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path

NAME = re.compile(r"^Name: (.+)$", re.MULTILINE)
COMPILER = re.compile(r"Requires-Dist: llvmlite\b.*\n")
# Of files in the wheel: 1980, as in the wheel that it is made from.
TIME = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    """Writes the wheel and prints its path."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print(write(given.wheel, given.folder))
    return 0


def write(wheel: Path, folder: Path) -> Path:
    """Writes the wheel for running into a folder; returns its path."""
    name, _, rest = wheel.name.partition("-")
    path = folder / f"{name}_run-{rest}"
    version = rest.partition("-")[0]
    old, new = f"{name}-{version}.dist-info/", f"{name}_run-{version}.dist-info/"
    records = []
    with (
        zipfile.ZipFile(wheel) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            if entry.filename.endswith((".pyi", "/RECORD")):
                continue
            content = source.read(entry)
            if entry.filename == f"{old}METADATA":
                content = metadata(content.decode()).encode()
            place = entry.filename.replace(old, new, 1)
            info = zipfile.ZipInfo(place, TIME)
            info.external_attr, info.compress_type = entry.external_attr, zipfile.ZIP_DEFLATED
            target.writestr(info, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            records.append(f"{place},sha256={digest.decode()},{len(content)}")
        records.append(f"{new}RECORD,,")
        target.writestr(zipfile.ZipInfo(f"{new}RECORD", TIME), "\n".join(records) + "\n")
    return path


def metadata(text: str) -> str:
    """The metadata of the wheel for running, from those of the whole one: its name ends in `-run`."""
    changed, count = COMPILER.subn("", text)
    if count != 1:
        raise ValueError(
            f"expected one requirement of llvmlite in the metadata. There are {count}."
        )
    (name,) = NAME.findall(changed)
    own = changed.replace(f"Name: {name}\n", f"Name: {name}-run\n", 1)
    return own.replace(f"{name}[", f"{name}-run[")


if __name__ == "__main__":
    sys.exit(main())
