"""Builds the distribution `tensorflow-on-penstock`, whose files are those that `penstock enable` writes.

A build backend (PEP 517) of its own: others put no metadata of another distribution into a wheel. The folders with these metadata lie in
the wheel's `.data/purelib`, from where installers copy them beside the packages.
"""

import os
import sys
import time
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The checkout's Penstock, not one that is installed: no package index is asked to build this.
sys.path.insert(0, str(HERE.parents[1]))

from penstock._src.bridge.environments import stand_in  # noqa: E402
from penstock._src.version import OWN_VERSION, VERSION  # noqa: E402

PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
NAME = f"{PROJECT['name'].replace('-', '_')}-{OWN_VERSION}"
# The earliest date that a zip archive can hold.
EARLIEST = 315532800


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Writes the wheel into a folder and returns its name."""
    info = f"{NAME}.dist-info"
    contents = {
        path if path == stand_in.START else f"{NAME}.data/purelib/{path}": content
        for path, content in stand_in.files(PROJECT["name"]).items()
    }
    contents[f"{info}/METADATA"] = metadata().encode()
    contents[f"{info}/WHEEL"] = stand_in.WHEEL.encode()
    contents[f"{info}/RECORD"] = stand_in.record(contents, f"{info}/RECORD").encode()
    name = f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path, time.gmtime(date())[:6])
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return name


class UnsupportedOperation(Exception):
    """What this backend does not build; PEP 517 gives the name."""


def build_sdist(sdist_directory, config_settings=None):
    """Builds no source archive: the files come from the checkout around this folder.

    Raises:
      UnsupportedOperation: always.
    """
    raise UnsupportedOperation("tensorflow-on-penstock is built from a checkout, as a wheel.")


def metadata():
    """Returns the distribution's METADATA."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {PROJECT['name']}",
        f"Version: {OWN_VERSION}",
        f"Summary: {PROJECT['description']} (TensorFlow {VERSION})",
        f"License-Expression: {PROJECT['license']}",
        f"Requires-Python: {PROJECT['requires-python']}",
        f"Requires-Dist: {stand_in.REQUIRED}",
        "Description-Content-Type: text/markdown",
        "",
        (HERE / "README.md").read_text("utf-8"),
    ]
    return "\n".join(lines)


def date():
    """The date of all entries, in seconds: SOURCE_DATE_EPOCH's, so that builds are equal to the byte."""
    return max(int(os.environ.get("SOURCE_DATE_EPOCH", EARLIEST)), EARLIEST)
