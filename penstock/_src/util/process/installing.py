"""The command by which a user installs what an extra adds.

On PyPI the name `penstock` belongs to another project. Where this Penstock is installed under a name, pip takes the installed one for it, and fetches the extra's
packages alone; anywhere else a command with the name would install a stranger's code, so it has the path of the sources.
"""

from pathlib import Path

# The distribution of pyproject.toml, and the one without LLVM (tools/platforms/run_wheel.py).
NAME = "penstock"
NAMES = (NAME, f"{NAME}-run")
SUMMARY = "TensorFlow's API on a tensor compiler written in Python"  # in the metadata of both
_SOURCES = Path(__file__).parents[4]


def installed_name() -> str | None:
    """The name under which this Penstock is installed; None if it is not, or another project has that name here."""
    # Imported here: it takes 10 ms, and commands are printed rarely.
    import importlib.metadata as metadata

    for name in NAMES:
        try:
            if metadata.metadata(name)["Summary"] == SUMMARY:
                return name
        except metadata.PackageNotFoundError:
            pass
    return None


def pip_install(extra: str) -> str:
    """The command that installs what an extra of pyproject.toml adds, such as `pip install 'penstock[keras]'`."""
    place = installed_name()
    if place is None:
        place = str(_SOURCES) if (_SOURCES / "pyproject.toml").exists() else "PATH/OF/PENSTOCK.whl"
    return f"pip install '{place}[{extra}]'"
