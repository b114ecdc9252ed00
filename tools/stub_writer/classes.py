"""The stub of a class: its public bases, and the members of the others merged into it."""

import ast
import dataclasses
import enum
import functools
import importlib
import inspect
import pathlib
import re
import textwrap
from typing import Any

from . import knowledge
from .functions import INDENT, parameters_text, result_text, signature_of, summary
from .spelling import Speller, spelled
from .tree import Tree

SPECIAL = frozenset(
    "__init__ __new__ __call__ __enter__ __exit__ __aenter__ __aexit__ __iter__ __next__ __len__ __getitem__ __setitem__ __contains__ "
    "__bool__ __int__ __float__ __index__ __array__ __getattr__".split()
)
OPERATORS = frozenset(
    f"__{prefix}{name}__"
    for name in "add sub mul truediv floordiv mod pow matmul and or xor".split()
    for prefix in ("", "r")
)
COMPARISONS = frozenset(f"__{name}__" for name in "lt le gt ge".split())
UNARY = frozenset("__neg__ __pos__ __abs__ __invert__".split())
# Classes with operators: what these take, and what they return.
WITH_OPERATORS = {
    "Tensor": ("TensorLike", "Tensor"),
    "Variable": ("TensorLike", "Tensor"),
    "RaggedTensor": ("TensorLike", "RaggedTensor"),
    "SparseTensor": ("TensorLike", "Any"),
}
# Not for type checkers, which would take ragged tensors for arrays of other libraries.
LEFT_OUT = {"RaggedTensor": ("__array__",)}
# Methods of Keras that programs override with other parameters, and call by position if at all.
OVERRIDDEN = frozenset(
    "build call train_step test_step predict_step compute_loss compute_metrics update_state compute_output_shape "
    "compute_mask compute_output_spec update_step get_config from_config result reset_state".split()
)
# Those that programs override and call by keyword: checkers do not compare what has no declaration in the base class.
ASSIGNED = frozenset(("compile",))
# Private methods that subclasses of these call.
KERAS_BASES = ("keras.Layer", "keras.Model", "keras.Optimizer", "keras.Metric", "keras.Loss")
# What a constructor takes out of its `**kwargs`.
POPPED = re.compile(r'kwargs\.pop\(\s*"(\w+)"')
# Public classes whose objects are of another class, with more members.
IMPLEMENTED_BY = {
    "types.experimental.ConcreteFunction": "penstock._src.function.concrete.ConcreteFunction",
    "data.Iterator": "penstock._src.data.iterator.OwnedIterator",
}
EXTERNAL = {
    "enum": ("Enum", "IntEnum"),
    "builtins": ("Exception", "ValueError", "TypeError", "RuntimeError"),
}


def bases_of(held: type, tree: Tree) -> list[str]:
    """The bases that a stub names: the nearest public ones, in the order of the sources."""
    found: list[str] = []
    seen: set[type] = set()
    for base in held.__mro__[1:]:
        if base in seen or base is object:
            continue
        name = _base_name(base, tree)
        if name:
            found.append(name)
            seen.update(base.__mro__)
    return found


def _base_name(base: type, tree: Tree) -> str | None:
    if tree.home(base):
        return f"tf.{tree.home(base)}"
    if base.__name__ in EXTERNAL.get(base.__module__, ()):
        return base.__name__
    if base.__module__ == "google._upb._message" or base.__name__ == "Message":
        return "Message"
    if base.__module__ == "unittest.case" and base.__name__ == "TestCase":
        return "TestCase"
    return None


def merged(held: type, tree: Tree) -> list[type]:
    """The class and its private bases, whose members its stub has."""
    inherited: set[type] = set()
    for base in held.__mro__[1:]:
        if base not in inherited and _base_name(base, tree):
            inherited.update(base.__mro__)
    return [c for c in held.__mro__ if c not in inherited and c not in (object, tuple)]


def members_of(held: type, tree: Tree) -> dict[str, Any]:
    """{name: raw attribute} of the members that a stub of the class lists."""
    found: dict[str, Any] = {}
    path = tree.home(held) or ""
    for part in merged(held, tree) + implementation(path, tree):
        if part.__module__.startswith(("typing", "collections", "abc", "enum")):
            continue
        getattr(part, "__init__", None)  # records write their constructors at the first look
        for name, value in vars(part).items():
            is_private = path in KERAS_BASES and name[1:2] != "_" and callable(value)
            shown = not name.startswith("_") or name in SPECIAL | OPERATORS | COMPARISONS | UNARY
            if shown or is_private:
                found.setdefault(name, (value, part))
    return found


def implementation(path: str, tree: Tree) -> list[type]:
    """The classes that add members to those of a public class."""
    if path not in IMPLEMENTED_BY:
        return []
    module, _, name = IMPLEMENTED_BY[path].rpartition(".")
    return merged(getattr(importlib.import_module(module), name), tree)


def attributes_of(held: type, tree: Tree) -> dict[str, str]:
    """{name: type} of the attributes that annotations state or methods set."""
    found: dict[str, str] = {}
    for part in merged(held, tree) + implementation(tree.home(held) or "", tree):
        scope = vars(inspect.getmodule(part) or object)
        for name, annotation in vars(part).get("__annotations__", {}).items():
            if not name.startswith("_"):
                found.setdefault(name, spelled(annotation, tree, dict(scope)) or "Any")
        for name in vars(part).get("__slots__", ()):
            if not name.startswith("_"):
                found.setdefault(name, "Any")
        for name in _assigned(part):
            found.setdefault(name, "Any")
    return found


@functools.cache
def _definitions(path: str) -> dict[str, ast.ClassDef]:
    """{qualified name: the first definition} of the classes of a file."""
    found: dict[str, ast.ClassDef] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                continue  # expressions have no classes
            inner = prefix
            if isinstance(child, ast.ClassDef):
                found.setdefault(prefix + child.name, child)
                inner = f"{prefix}{child.name}."
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{prefix}{child.name}.<locals>."
            visit(child, inner)

    visit(ast.parse(pathlib.Path(path).read_bytes()), "")
    return found


@functools.cache
def _assigned(held: type) -> list[str]:
    """The public attributes of `self` that methods assign."""
    try:
        path = inspect.getsourcefile(held)
        tree = _definitions(path)[held.__qualname__] if path else None
    except (OSError, TypeError, SyntaxError, KeyError):  # it has no source
        return []
    if tree is None:
        return []
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and not node.attr.startswith("_")
    ]


@dataclasses.dataclass
class ClassWriter:
    """Writes one class under a name."""

    name: str
    held: type
    path: str
    speller: Speller
    helpers: list[str] = dataclasses.field(default_factory=list)

    def text(self) -> str:
        """The definition of the class."""
        tree = self.speller.tree
        self.found = members_of(self.held, tree)
        self.attributes = attributes_of(self.held, tree)
        by_hand = knowledge.members().get(self.path.replace(".", "__"), {})
        names = frozenset({*self.found, *self.attributes, *by_hand})
        names -= frozenset(LEFT_OUT.get(self.path, ()))
        self.members = frozenset(n for n in names if not n.startswith("__"))
        bases = [self.speller.text(base) for base in bases_of(self.held, tree)]
        lines = [summary(self.held)] if summary(self.held) else []
        if issubclass(self.held, enum.Enum):
            lines += [
                f"{m.name} = {m.value!r}" if isinstance(m.value, (int, str)) else f"{m.name} = ..."
                for m in self.held
            ]
            names = frozenset(n for n in names if n not in self.held.__members__)
        for name in sorted(names, key=_place):
            if name in by_hand:
                lines.append(self._by_hand(by_hand[name]))
            elif name in self.found:
                lines.append(self._member(name, *self.found[name]))
            else:
                lines.append(f"{name}: {self.speller.text(self.attributes[name], self.members)}")
        body = textwrap.indent("\n".join(filter(None, lines)) or "...", INDENT)
        listed = f"({', '.join(bases)})" if bases else ""
        decorator = ""
        if self.path == "experimental.ExtensionType":
            decorator = f"@{self.speller.imported('typing', 'dataclass_transform')}()\n"
        return f"{''.join(self.helpers)}{decorator}class {self.name}{listed}:\n{body}\n"

    def _by_hand(self, code: str) -> str:
        return rename_annotations(code, lambda text: self.speller.text(text, self.members))

    def _member(self, name: str, value: Any, owner: type) -> str:
        spell = self.speller.text
        if (
            name in self.attributes
            and not inspect.isroutine(value)
            and not isinstance(value, property)
        ):
            return f"{name}: {spell(self.attributes[name], self.members)}"
        if name == "__new__":
            return self._method(name, getattr(value, "__func__", value), owner, bound=True)
        if isinstance(value, (staticmethod, classmethod)):
            inner = value.__func__
            mark = "@staticmethod\n" if isinstance(value, staticmethod) else "@classmethod\n"
            if callable(inner):
                return mark + self._method(name, inner, owner, bound=isinstance(value, classmethod))
        if isinstance(value, property) or type(value).__name__ in (
            "cached_property",
            "member_descriptor",
        ):
            return self._property(name, value, owner)
        operators = WITH_OPERATORS.get(self.path)
        if operators and name in OPERATORS | COMPARISONS:
            return (
                f"def {name}(self, other: {spell(operators[0])}, /) -> {spell(operators[1])}: ..."
            )
        if operators and name in UNARY:
            return f"def {name}(self) -> {spell(operators[1])}: ..."
        if inspect.isclass(value):
            return f"{name}: type[Any]".replace("Any", spell("Any", self.members))
        if callable(value) and (inspect.isroutine(value) or hasattr(value, "__wrapped__")):
            return self._method(name, value, owner, bound=True)
        if callable(value) and not hasattr(type(value), "__get__"):
            return f"{name}: {spell('Any', self.members)}"
        kinds = {bool: "bool", int: "int", str: "str", float: "float"}
        return f"{name}: {spell(self.attributes.get(name) or kinds.get(type(value), 'Any'), self.members)}"

    def _property(self, name: str, value: Any, owner: type) -> str:
        getter = getattr(value, "fget", None) or getattr(value, "func", None)
        kind = self.attributes.get(name)
        if kind is None and inspect.isfunction(getter):
            kind = spelled(
                getter.__annotations__.get("return", Any), self.speller.tree, getter.__globals__
            )
        document = summary(value)
        body = f"\n{INDENT}{document}" if document else " ..."
        shown = self.speller.text(kind or "Any", self.members)
        text = f"@{self.speller.text('property', self.members)}\ndef {name}(self) -> {shown}:{body}"
        if getattr(value, "fset", None):
            text += f"\n@{name}.setter\ndef {name}(self, value: {self.speller.text('Any', self.members)}) -> None: ..."
        return text

    def _method(self, name: str, function: Any, owner: type, bound: bool) -> str:
        try:
            signature = signature_of(function)
        except (TypeError, ValueError):
            return f"def {name}(self, *args: Any, **kwargs: Any) -> Any: ...".replace(
                "Any", self.speller.text("Any", self.members)
            )
        if name == "__init__":
            signature = with_keywords_of_bases(self.held, signature)
        scope = getattr(inspect.unwrap(function), "__globals__", {})
        paths = [f"{self.path}.{name}"]
        of_keras = self.path.startswith("keras.")
        if of_keras and (name in OVERRIDDEN or name[:1] == "_" != name[1:2]):
            anything = self.speller.text("Any", self.members)
            first = next(iter(signature.parameters), "self")
            return (
                f"def {name}({first}, *args: {anything}, **kwargs: {anything}) -> {anything}: ..."
            )
        inside = parameters_text(signature, paths, self.speller, scope, self.members, bound=bound)
        result = result_text(function, signature, paths, self.speller.tree, scope)
        result = self._own(result, owner)
        fixed = {
            "__init__": "None",
            "__enter__": "Self",
            "__aenter__": "Self",
            "__len__": "int",
            "__bool__": "bool",
            "__new__": "Self",
        }
        fixed |= {
            "__int__": "int",
            "__float__": "float",
            "__index__": "int",
            "__contains__": "bool",
        }
        result = fixed.get(name, result)
        start = "async def" if inspect.iscoroutinefunction(function) else "def"
        if name in ("__exit__", "__aexit__"):
            return f"{start} {name}(self, *error: {self.speller.text('Any', self.members)}) -> None: ..."
        if of_keras and name in ASSIGNED:
            hidden = f"_{self.name}_{name}"
            self.helpers.append(f"def {hidden}({inside}) -> {self.speller.text(result)}: ...\n")
            return f"{name} = {hidden}"
        document = "" if name.startswith("__") and name != "__init__" else summary(function)
        body = f"\n{INDENT}{document}" if document and name != "__init__" else " ..."
        return f"{start} {name}({inside}) -> {self.speller.text(result, self.members)}:{body}"

    def _own(self, result: str, owner: type) -> str:
        """Methods that return their own class return the class of the object."""
        return (
            "Self"
            if result == f"tf.{self.path}" and owner is self.held and self.name in SELF
            else result
        )


# Classes whose methods return an object of the same class, also in subclasses.
SELF = frozenset({"name_scope"})


def with_keywords_of_bases(held: type, signature: inspect.Signature) -> inspect.Signature:
    """The signature of a constructor of Keras's layers and optimizers, with what base classes take in the place of `**kwargs`."""
    kinds = inspect.Parameter
    names = [base.__name__ for base in held.__mro__ if base.__module__.startswith("keras.")]
    own = list(signature.parameters.values())
    is_open = bool(own) and own[-1].kind is kinds.VAR_KEYWORD
    if not is_open or not {"Layer", "BaseOptimizer"} & set(names) or "Model" in names:
        return signature
    taken = {parameter.name: parameter for parameter in own[:-1]}
    for base in held.__mro__:
        made = vars(base).get("__init__")
        if base.__module__.startswith("keras.") and inspect.isfunction(made):
            for parameter in list(inspect.signature(made).parameters.values())[1:]:
                if parameter.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL):
                    default = None if parameter.default is kinds.empty else parameter.default
                    more = parameter.replace(kind=kinds.KEYWORD_ONLY, default=default)
                    taken.setdefault(parameter.name, more)
            for word in _popped(made):
                taken.setdefault(word, kinds(word, kinds.KEYWORD_ONLY, default=None))
    order = sorted(taken.values(), key=lambda parameter: parameter.kind)
    return signature.replace(parameters=order)


@functools.cache
def _popped(function: Any) -> list[str]:
    """The keyword arguments that a function takes out of those it passes on."""
    return POPPED.findall(inspect.getsource(function))


def _place(name: str) -> Any:
    return (not name.startswith("__init__"), name.startswith("__"), name)


def rename_annotations(code: str, rename: Any) -> str:
    """Code of a stub with its annotations, bases and decorators in the names of a module."""

    class Renamer(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            for argument in filter(None, [*arguments, node.args.vararg, node.args.kwarg]):
                argument.annotation = self._renamed(argument.annotation)
            node.returns = self._renamed(node.returns)
            node.decorator_list = [self._renamed(d) for d in node.decorator_list]
            return node

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            node.annotation = self._renamed(node.annotation)
            return node

        def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
            node.bases = [self._renamed(b) for b in node.bases]
            node.body = [self.visit(part) for part in node.body]
            return node

        def _renamed(self, node: Any) -> Any:
            if node is None:
                return None
            text = ast.unparse(node)
            known = ("staticmethod", "classmethod")
            if text in known or text.endswith(".setter"):
                return node
            return ast.parse(rename(text), mode="eval").body

    return "\n".join(ast.unparse(Renamer().visit(part)) for part in ast.parse(code).body)
