"""The command by which a user installs what an extra adds.

The package is `penstock`; the distribution is `penstock-tensors`, since `penstock` belongs to another project on PyPI. Of the names that were free there, `penstock-tf`
borrows another project's initials and `penstock-compiler` names a part that the wheel for running does not have; tensors are what all of it is about. The name stands in
`pyproject.toml` and here, and tests hold both and every page to it. A name that is free may be taken by others until it is registered: where the distribution is
installed, pip takes the installed one for the name, and fetches the extra's packages alone; anywhere else commands have the path of a wheel or of the sources.
"""

from pathlib import Path

# The distribution of pyproject.toml, and the one without LLVM (tools/platforms/run_wheel.py).
NAME = "penstock-tensors"
RUN_NAME = f"{NAME}-run"
NAMES = (NAME, RUN_NAME)
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
    """The command that installs what an extra of pyproject.toml adds, such as `pip install 'penstock-tensors[keras]'`."""
    return f"pip install '{installed_name() or _place()}[{extra}]'"


def pip_reinstall() -> str:
    """The command that replaces the files of an installation; pip would fetch a name, so it has a path."""
    return f"pip install --force-reinstall '{_place()}'"


def _place() -> str:
    return str(_SOURCES) if (_SOURCES / "pyproject.toml").exists() else "PATH/OF/PENSTOCK.whl"
