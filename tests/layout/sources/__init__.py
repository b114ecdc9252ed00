"""The Python files of the tree and the facts that rules read of them.

A rule of `tests/layout` is a function of a `Tree` that returns its offenders. What it needs of a file's syntax it takes from a
fact: a function of a `SourceFile`, marked by `fact`, whose result can be pickled.

    @fact("penstock/_src")
    def functions(file: SourceFile) -> list[str]: ...

    def offenders(tree: Tree) -> list[str]:
        return [name for names in tree.facts(functions).values() for name in names]

A file is parsed at most once for all facts that are registered, and not at all while it and the modules of the facts stay as
they are: results are kept by the hashes of both, below pytest's cache.
"""

import ast
import fcntl
import functools
import gc
import hashlib
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

ROOT = Path(__file__).resolve().parents[3]
# The folders that hold our Python files.
FOLDERS = ("penstock", "tests", "tools", "bench", "examples")
T = TypeVar("T")
Node = TypeVar("Node", bound=ast.AST)


class SourceFile:
    """A file, parsed at the first question about its syntax."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes, in the order of `ast.walk`."""
        return list(ast.walk(self.tree))

    @functools.cached_property
    def _by_kind(self) -> dict[type, list[ast.AST]]:
        kinds: dict[type, list[ast.AST]] = {}
        for node in self.nodes:
            kinds.setdefault(type(node), []).append(node)
        return kinds

    def of_kind(self, *kinds: type[Node]) -> list[Node]:
        """Returns the nodes of some classes, class by class."""
        return [node for kind in kinds for node in self._by_kind.get(kind, ())]  # type: ignore[misc]


class Question(Generic[T]):
    """A question about a file that its text alone answers."""

    def __init__(self, answer: Callable[[SourceFile], T], folders: tuple[str, ...]) -> None:
        self.answer, self.folders = answer, folders
        self.name = f"{answer.__module__}.{answer.__qualname__}"

    def __call__(self, file: SourceFile) -> T:
        return self.answer(file)

    @functools.cached_property
    def version(self) -> str:
        """Changes with the module of the fact, this one and Python."""
        sources = [inspect.getsourcefile(self.answer) or "", __file__]
        texts = [Path(source).read_text() for source in sources]
        return _digest("\0".join([*texts, sys.version]))

    def is_asked_of(self, path: str) -> bool:
        return path.startswith(self.folders)


FACTS: dict[str, Question[Any]] = {}


def fact(*folders: str) -> Callable[[Callable[[SourceFile], T]], Question[T]]:
    """Registers a function as a fact about the files of some folders."""
    prefixes = tuple(f"{folder}/" for folder in folders)

    def register(answer: Callable[[SourceFile], T]) -> Question[T]:
        held = Question(answer, prefixes)
        FACTS[held.name] = held
        return held

    return register


class Tree:
    """The files below a root, or some of them, with a folder where facts are kept, if there is one."""

    def __init__(
        self, root: Path, store: Path | None = None, files: list[Path] | None = None
    ) -> None:
        self.root, self.store, self.files = root, store, files
        self._facts: dict[str, dict[str, Any]] = {}

    @functools.cached_property
    def texts(self) -> dict[str, str]:
        """The text of every Python file, by its path below the root."""
        paths = self.files
        if paths is None:
            paths = [path for folder in FOLDERS for path in (self.root / folder).rglob("*.py")]
        return {path.relative_to(self.root).as_posix(): path.read_text() for path in sorted(paths)}

    @functools.cached_property
    def _digests(self) -> dict[str, str]:
        return {path: _digest(f"{path}\0{text}") for path, text in self.texts.items()}

    def below(self, folder: str) -> dict[str, str]:
        """Returns the texts of a folder's files, by their paths below it."""
        prefix = f"{folder}/"
        return {
            path.removeprefix(prefix): text
            for path, text in self.texts.items()
            if path.startswith(prefix)
        }

    def facts(self, about: Question[T], folder: str = "") -> dict[str, T]:
        """Returns a fact of each file, by the path below the root, or below a folder."""
        if about.name not in self._facts:
            self._ask(about)
        prefix = f"{folder}/" if folder else ""
        return {
            path.removeprefix(prefix): answer
            for path, answer in self._facts[about.name].items()
            if path.startswith(prefix)
        }

    def _ask(self, about: Question[Any]) -> None:
        """Asks a fact of all files, and the others that are registered where a file must be parsed for it."""
        with _locked(self.store):
            known = self._load(about)
            if all(self._digests[path] in known for path in self.texts if about.is_asked_of(path)):
                self._facts[about.name] = self._by_path(about, known)
                return
            answers = {held.name: self._load(held) for held in FACTS.values()} | {about.name: known}
            with _without_collector():
                for path in self.texts:
                    self._ask_of_file(path, about, answers)
            for held in [*FACTS.values(), about]:
                self._facts[held.name] = self._by_path(held, answers[held.name])
                self._save(held, answers[held.name])

    def _ask_of_file(
        self, path: str, about: Question[Any], answers: dict[str, dict[str, Any]]
    ) -> None:
        file, digest = SourceFile(path, self.texts[path]), self._digests[path]
        for held in {**FACTS, about.name: about}.values():
            if held.is_asked_of(path) and digest not in answers[held.name]:
                answers[held.name][digest] = held(file)

    def _by_path(self, about: Question[T], answers: dict[str, T]) -> dict[str, T]:
        asked = [path for path in self.texts if about.is_asked_of(path)]
        return {path: answers[self._digests[path]] for path in asked}

    def _load(self, about: Question[T]) -> dict[str, T]:
        """The answers that are kept, by the hash of the file."""
        path = self.store / about.name if self.store else None
        if path is None or not path.exists():
            return {}
        version, answers = pickle.loads(path.read_bytes())
        return answers if version == about.version else {}

    def _save(self, about: Question[T], answers: dict[str, T]) -> None:
        if self.store is None:
            return
        now = {digest: answers[digest] for digest in self._digests.values() if digest in answers}
        partial = self.store / f"{about.name}.{os.getpid()}"
        partial.write_bytes(pickle.dumps((about.version, now)))
        partial.replace(self.store / about.name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def _locked(folder: Path | None) -> Iterator[None]:
    """One process at a time asks; those that wait find its answers."""
    if folder is None:
        yield
        return
    with open(folder / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _without_collector() -> Iterator[None]:
    """Syntax trees have no cycles, and the collector would walk them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
