"""Knowledge about types that the sources lack: tables of parameters and results, and definitions written by hand."""

import ast
import fnmatch
import functools
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
# Namespaces whose tensors are numbers.
NUMERIC = ("math", "nn", "linalg", "signal", "image", "audio", "bitwise", "random", "quantization")


# Classes whose methods take tensors; those of others may mean anything by `value` or `x`.
OF_TENSORS = (
    "IndexedSlices.",
    "RaggedTensor.",
    "SparseTensor.",
    "TensorArray.",
    "lookup.",
    "random.Generator.",
)


def _is_method(path: str) -> bool:
    """True if a path names a member of a class."""
    return any(part[:1].isupper() for part in path.split(".")[:-1])


@functools.cache
def _rows(file: str) -> list[tuple[str, list[str]]]:
    """The rows `type: words` of a table."""
    rows = []
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, words = line.partition(": ")
            rows.append((kind, words.split()))
    return rows


@functools.cache
def _by_name(file: str, dotted: bool) -> dict[str, str]:
    """{word: type} of the words with a dot, or of those without; later rows win."""
    pairs = ((word, kind) for kind, words in _rows(file) for word in words)
    return {word: kind for word, kind in pairs if ("." in word) == dotted}


def _match(paths: list[str], table: dict[str, str]) -> str | None:
    """The type of the last row that names one of the paths: exactly, else by a pattern."""
    for word, kind in reversed(table.items()):
        if word in paths:
            return kind
    for word, kind in reversed(table.items()):
        if "*" in word and any(_fits(path, word) for path in paths):
            return kind
    return None


def _fits(path: str, pattern: str) -> bool:
    return path.count(".") == pattern.count(".") and fnmatch.fnmatchcase(path, pattern)


def parameter_type(paths: list[str], name: str) -> str | None:
    """The type of a parameter of the function at `paths`, or None."""
    if paths[0].startswith("keras."):
        return _by_name("keras.txt", False).get(name, "Any")
    own = _match([f"{path}.{name}" for path in paths], _by_name("parameters.txt", True))
    kind = own or _by_name("parameters.txt", False).get(name)
    if kind == "tensor" and _is_method(paths[0]) and not paths[0].startswith(OF_TENSORS):
        return None
    if kind == "tensor":
        numeric = any(path.startswith(tuple(f"{n}." for n in NUMERIC)) for path in paths)
        return "NumericLike" if numeric else "TensorLike"
    return kind


def result_type(paths: list[str]) -> str | None:
    """The type of the result of the function at `paths`, or None."""
    if paths[0].startswith("keras."):
        return _match(paths, _by_name("keras.txt", True))
    table = dict(_by_name("results.txt", True))
    return _match(paths, table | _by_name("results.txt", False))


@functools.cache
def definitions() -> dict[str, list[ast.stmt]]:
    """{path: statements} of `definitions.pyi`, where a comment `# at path` stands above each."""
    text = (FOLDER / "definitions.pyi").read_text(encoding="utf-8")
    found: dict[str, list[ast.stmt]] = {}
    for part in text.split("\n# at ")[1:]:
        path, _, code = part.partition("\n")
        found[path.strip()] = ast.parse(code).body
    return found


@functools.cache
def members() -> dict[str, dict[str, str]]:
    """{class: {member: code}} of `members.pyi`."""
    found: dict[str, dict[str, str]] = {}
    tree = ast.parse((FOLDER / "members.pyi").read_text(encoding="utf-8"))
    for held in tree.body:
        if isinstance(held, ast.ClassDef):
            table = found.setdefault(held.name, {})
            for part in held.body:
                target = part.target if isinstance(part, ast.AnnAssign) else part
                name = getattr(target, "name", None) or getattr(target, "id", None)
                if name:
                    earlier = table.get(name)
                    code = ast.unparse(part)
                    table[name] = f"{earlier}\n{code}" if earlier else code
    return found
