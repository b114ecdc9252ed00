"""Artifacts: folders of files that a step has made, kept under a hash of all that went into them.

    ROOT/artifacts/STEP/KEY/      what a step made, with record.json; never changed again
    ROOT/unfinished/STEP-KEY/     what a step is making

KEY is the SHA-256 of the step's name, its parameters, the source of its code, the versions of the libraries and the digests
of its inputs' bytes. So a step runs again exactly if something that it depends on has changed, and steps after it run again
exactly if that changes its output. The rename from `unfinished` to `artifacts` is the moment in which a step is done: a process
that is killed before leaves nothing that counts.
"""

import ast
import dataclasses
import functools
import hashlib
import importlib.metadata
import inspect
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

RECORD = "record.json"
LIBRARIES = ("penstock", "tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas", "scikit-learn")


@dataclasses.dataclass(frozen=True)
class Artifact:
    """Files that a step reads: a folder that another step made, or a file from outside."""

    name: str
    path: Path
    digest: str


@dataclasses.dataclass(frozen=True)
class Task:
    """One run of a step.

    Args:
      step: its name.
      function: called with the folder to fill, the paths of the inputs and the parameters; a function of a module, so that
        workers find it.
      inputs: artifacts, or lists of them, by the names of the function's parameters.
      parameters: values that JSON has, by the names of the function's parameters.
      resumes: whether the function goes on from the files that an earlier, killed run left in its folder.
    """

    step: str
    function: Callable[..., None]
    inputs: Mapping[str, Artifact | list[Artifact]]
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    resumes: bool = False

    @functools.cached_property
    def key(self) -> str:
        """The hash of all that the output depends on."""
        parts = {
            "step": self.step,
            "code": digest_of_code(inspect.getfile(self.function)),
            "libraries": versions(),
            "parameters": dict(self.parameters),
            "inputs": {name: [a.digest for a in artifacts] for name, artifacts in self.named()},
        }
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def named(self) -> Iterator[tuple[str, list[Artifact]]]:
        """Yields each input's name with its artifacts."""
        for name, given in self.inputs.items():
            yield name, given if isinstance(given, list) else [given]

    def arguments(self) -> dict[str, Any]:
        """What the function is called with, besides its folder."""
        paths = {
            name: [a.path for a in given] if isinstance(given, list) else given.path
            for name, given in self.inputs.items()
        }
        return {**paths, **self.parameters}


def source(path: Path) -> Artifact:
    """Returns a file from outside as an artifact."""
    return Artifact(path.name, path, digest_of_file(path))


def find(root: Path, task: Task) -> Artifact | None:
    """Returns the output of a task, if it has been done."""
    folder = _folder(root, task)
    if not folder.exists():
        return None
    record = json.loads((folder / RECORD).read_text())
    return Artifact(f"{task.step}/{task.key}", folder, record["output"])


def execute(root: Path, task: Task) -> None:
    """Does a task, unless it has been done, and keeps its output. Workers on other machines may call this: all share `root`.

    Args:
      root: the folder of all artifacts.
      task: what to do.
    """
    if find(root, task):
        return
    attempt = "" if task.resumes else f"-{uuid.uuid4().hex[:8]}"
    folder = root / "unfinished" / f"{task.step}-{task.key}{attempt}"
    folder.mkdir(parents=True, exist_ok=True)
    started = time.time()
    task.function(folder, **task.arguments())
    record = {
        "step": task.step,
        "key": task.key,
        "parameters": dict(task.parameters),
        "code": digest_of_code(inspect.getfile(task.function)),
        "libraries": versions(),
        "inputs": [[name, a.name, a.digest] for name, given in task.named() for a in given],
        "output": digest_of_folder(folder),
        "started": started,
        "seconds": round(time.time() - started, 3),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    commit(folder, _folder(root, task))


def commit(folder: Path, final: Path) -> None:
    """Renames a folder when all of its bytes are on the disk. Where `final` exists, another worker was first: ours goes."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(final)
    except OSError:
        if not final.exists():
            raise
        shutil.rmtree(folder)
    _sync(final.parent)


def clean(root: Path) -> None:
    """Removes what killed runs left, except the folders of tasks that go on from there."""
    for folder in (root / "unfinished").glob("*-*-*"):
        shutil.rmtree(folder)


def digest_of_file(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_folder(folder: Path) -> str:
    """Returns the SHA-256 of the names and bytes of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    lines = [f"{path.relative_to(folder)} {digest_of_file(path)}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@functools.cache
def digest_of_code(file: str) -> str:
    """Returns the SHA-256 of a module and the modules beside it that it imports. Comments and layout do not count."""
    waiting, seen = [Path(file)], {}
    while waiting:
        path = waiting.pop()
        if path.stem in seen or not path.exists():
            continue
        tree = ast.parse(path.read_text())
        seen[path.stem] = ast.dump(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                waiting += [path.with_name(f"{alias.name}.py") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                waiting.append(path.with_name(f"{node.module}.py"))
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:20]


@functools.cache
def versions() -> dict[str, str]:
    """Returns the versions of the libraries that compute."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _folder(root: Path, task: Task) -> Path:
    return root / "artifacts" / task.step / task.key


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
