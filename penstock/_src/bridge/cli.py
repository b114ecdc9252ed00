"""The command `penstock`.

penstock run script.py ...      runs a program that imports TensorFlow, on Penstock
penstock run -m module ...      the same for a module
penstock enable | disable       makes `tensorflow` mean Penstock in this virtual environment, or not
penstock flags                  every environment variable that Penstock reads
penstock env                    versions, processor, threads, kernel cache
penstock op NAME                what a raw op takes and gives, and where it stands
penstock tune script.py ...     runs a program, then looks for faster cuts of its matrix products
                                (--seconds 120, --out FILE; later processes read the file)
penstock saved-model show | run | scan --dir FOLDER ...
                                what a SavedModel holds, a signature's results, denied operations
penstock audit MODEL ...        what models would do besides computing, without loading them (--json);
                                status 1 if one needs its caller's consent
"""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import os
import pathlib
import platform
import runpy
import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge import tensorflow_alias
from penstock._src.util import flags
from penstock._src.version import VERSION

START = "penstock_as_tensorflow.pth"
DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tf-nightly")


def run(arguments: Sequence[str]) -> int:
    """Runs a script or module in which `tensorflow` means Penstock."""
    if not arguments or arguments == ["-m"]:
        return _refuse("run: expected a script, or -m and a module. Example: penstock run train.py")
    tensorflow_alias.install()
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    script = pathlib.Path(arguments[0])
    if not script.exists():
        return _refuse(f"run: there is no file {arguments[0]!r} in {os.getcwd()}.")
    sys.argv = list(arguments)
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
    return 0


def tune(arguments: Sequence[str]) -> int:
    """Runs a program, searches better tilings for the matrix products that it compiled, and adds them to the tuning
    file."""
    parser = argparse.ArgumentParser("penstock tune", description=tune.__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="of the search")
    parser.add_argument("--out", help="file of records; by default the one that Penstock reads")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="a script, or -m and a module")
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.compiler.codegen import tuning_records as records
    from penstock._src.compiler.tuning import search
    from penstock._src.native import host, pool

    path = pathlib.Path(parsed.out) if parsed.out else records.default_path()
    if path is None:
        return _refuse("tune: there is no folder for records. Name a file with --out.")
    try:  # before the program runs: its time should not be lost
        kept = records.TuningRecords.read(path) if path.exists() else records.TuningRecords()
    except ValueError as error:
        return _refuse(f"tune: {error}")
    with search.recording() as products:
        status = run(parsed.program)
    if status:
        return status
    for finding in search.tune(products.values(), parsed.seconds, _show_finding):
        if finding.gain > 1:
            kept.add(host(), pool().threads, finding.product, finding.blocking)
    kept.write(path)
    print(f"{path}: records of {sum(map(len, kept.found.values()))} products.")
    return 0


def _show_finding(finding: Any) -> None:
    verdict = f"{finding.gain:.2f} times as fast" if finding.gain > 1 else "nothing better"
    print(f"{finding.product}: {finding.seconds * 1e6:.1f} us, {verdict}")


def saved_model(arguments: Sequence[str]) -> int:
    """Shows, runs or scans a SavedModel."""
    # Each command loads what it needs.
    from penstock._src.bridge.python.tools.saved_models import command
    from penstock._src.core.errors import OpError

    try:
        return command.main(arguments)
    except (OSError, OpError, RuntimeError, ValueError) as error:
        return _refuse(f"saved-model: {error}")


def audit(arguments: Sequence[str]) -> int:
    """Says what models would do besides computing: status 0 if nothing, 1 if something, 2 for damaged files."""
    parser = argparse.ArgumentParser("penstock audit", description=audit.__doc__)
    parser.add_argument("--json", action="store_true", help="prints a JSON object per model")
    parser.add_argument(
        "models", nargs="+", help="SavedModels, GraphDefs, .keras and .h5 files, checkpoints"
    )
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.bridge.python.tools.audit import files
    from penstock._src.core.errors import OpError

    status = 0
    for path in parsed.models:
        try:
            found = files.audit(path)
        except (OSError, OpError) as error:
            return _refuse(f"audit: {error}")
        print(found.as_json() if parsed.json else "\n".join(found.lines()))
        status = max(status, 1 if found.needed() else 0)
    return status


def enable() -> int:
    """Makes every program of this virtual environment find Penstock as TensorFlow."""
    if sys.prefix == sys.base_prefix:
        return _refuse(
            f"enable: this Python ({sys.executable}) is not of a virtual environment, and other programs "
            "use it. Make one with `python -m venv`, or use `penstock run`."
        )
    real = _real_tensorflow()
    if real:
        return _refuse(
            f"enable: TensorFlow itself is installed here ({real}). Uninstall it first, or use `penstock run`."
        )
    place = _start_file()
    place.write_text("import penstock._src.bridge.at_start as _s; _s.wait()\n", encoding="utf-8")
    print(f"`import tensorflow` means Penstock in {sys.prefix}. Undo with `penstock disable`.")
    return 0


def disable() -> int:
    """Undoes `enable`."""
    place = _start_file()
    if not place.exists():
        print(f"`import tensorflow` does not mean Penstock in {sys.prefix}: nothing to undo.")
        return 0
    place.unlink()
    print(f"`import tensorflow` no longer means Penstock in {sys.prefix}.")
    return 0


def show_flags() -> int:
    """Prints every environment variable with its current value and its meaning."""
    width = max(len(flag.variable) for flag in flags.TABLE.values())
    for flag in flags.TABLE.values():
        value = getattr(flags.flags, flag.name)
        value = ",".join(sorted(value)) if flag.name == "disable" else value
        print(f"{flag.variable:{width}}  {type(value).__name__:5} {value!r:8}  {flag.meaning}")
    print("\nPENSTOCK_DISABLE leaves out")
    for name, what in flags.OPTIONAL.items():
        print(f"  {name:12} {what}")
    return 0


def show_environment() -> int:
    """Prints what a bug report should contain."""
    from penstock._src.native import host, kernels, pool  # each command loads what it needs

    target = host()
    rows = {
        "penstock": VERSION,
        "python": f"{platform.python_version()} on {platform.platform()}",
        "processor": f"{target.cpu} ({target.triple}), vectors of {target.vector_bytes} bytes",
        "threads": f"{pool().threads} of {os.cpu_count()} cores",
        "kernels": str(kernels().cache.folder or "not kept"),
    }
    for name in ("numpy", "llvmlite", "ml_dtypes", "protobuf", "keras", "scipy", "tensorboard"):
        try:
            rows[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            rows[name] = "not installed"
    for name, value in rows.items():
        print(f"{name:12} {value}")
    return 0


def show_op(name: str) -> int:
    """Prints the signature of a raw op, whether it has a lowering and a gradient, and its source file."""
    import penstock._src.api.load  # noqa: F401
    from penstock._src.core import registry  # each command loads what it needs

    if name not in registry.index():
        close = [known for known in sorted(registry.index()) if name.lower() in known.lower()]
        hint = f" Similar: {', '.join(close[:8])}." if close else ""
        return _refuse(f"op: there is no operation {name!r}.{hint}")
    cls = registry.find(name)
    print(f"{name}({' '.join(cls.signature.split())})")
    print(f"  {inspect.cleandoc(cls.__doc__ or '').splitlines()[0] if cls.__doc__ else ''}")
    for attribute, default in cls.attributes.items():
        text = "required" if default is registry.REQUIRED else f"default {default!r}"
        print(f"  {attribute}: {text}")
    print(f"  in compiled functions: {'native' if cls.has_lowering else 'on the host'}")
    print(f"  gradient: {'yes' if cls.has_gradient else 'no'}")
    source = pathlib.Path(inspect.getsourcefile(cls) or "")
    print(f"  {source}:{inspect.getsourcelines(cls)[1]}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == ["run"]:  # what follows belongs to the program
        return run(arguments[1:])
    if arguments[:1] == ["tune"]:
        return tune(arguments[1:])
    if arguments[:1] == ["saved-model"]:
        return saved_model(arguments[1:])
    if arguments[:1] == ["audit"]:
        return audit(arguments[1:])
    parser = argparse.ArgumentParser(
        "penstock", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in ("run", "tune", "saved-model", "audit", "enable", "disable", "flags", "env"):
        commands.add_parser(name)
    commands.add_parser("op").add_argument("name")
    parsed = parser.parse_args(arguments)
    if parsed.command == "op":
        return show_op(parsed.name)
    plain = {"enable": enable, "disable": disable, "flags": show_flags, "env": show_environment}
    return plain[parsed.command]()


def _refuse(message: str) -> int:
    print(f"penstock {message}", file=sys.stderr)
    return 2


def _start_file() -> pathlib.Path:
    return pathlib.Path(sysconfig.get_path("purelib")) / START


def _real_tensorflow() -> str | None:
    """Name and version of an installed TensorFlow, or None."""
    for name in DISTRIBUTIONS:
        for found in importlib.metadata.distributions(name=name):
            if not isinstance(found, tensorflow_alias.Distribution):
                return f"{name} {found.version}"
    return None
