"""`dataclass` of the standard library, ten times as fast to define: processes define some two hundred before they compute anything.

The standard library compiles the text of every method of every class. Here the constructor alone is compiled, when it is first called; the other
methods are closures over the class's fields. `dataclasses.fields`, `replace`, `asdict` and the like take such classes as they take others.

    @dataclass(frozen=True)
    class Extent:
        size: int
        is_known: bool = True
"""

import dataclasses
import operator
import reprlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

MISSING = dataclasses.MISSING


class _Factory:
    """The default of a parameter whose value a factory makes."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _defined(cls: type, frozen: bool, eq: bool, repr: bool) -> type:
    """Adds the methods that the class does not define itself, as the standard library does."""
    has_hash = cls.__dict__.get("__hash__") is not None
    if cls.__doc__ is None:  # else the standard library would look for a signature to show
        cls.__doc__ = f"{cls.__name__}({', '.join(cls.__dict__.get('__annotations__', ()))})"
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    fields = dataclasses.fields(cls)
    _refuse_init_only(cls, fields)
    _refuse_order(cls, fields)
    methods: dict[str, Any] = {"__init__": _Constructor(cls, fields, frozen)}
    if repr:
        methods["__repr__"] = _shown
    if eq:
        methods["__eq__"] = _equality(fields)
        if not has_hash and "__eq__" not in cls.__dict__:
            methods["__hash__"] = _hash(fields) if frozen else None
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    if frozen:
        _freeze(cls, {field.name for field in fields})
    return cls


def _refuse_init_only(cls: Any, fields: tuple[Any, ...]) -> None:
    if len(cls.__dataclass_fields__) > len(fields):
        for name, field in cls.__dataclass_fields__.items():
            if "InitVar" in str(field.type):
                raise TypeError(f"{cls.__name__}.{name}: use dataclasses.dataclass with InitVar.")


def _refuse_order(cls: type, fields: tuple[Any, ...]) -> None:
    default_field = ""  # the last field with a default
    for field in fields:
        if not field.init or field.kw_only:
            continue
        if field.default is not MISSING or field.default_factory is not MISSING:
            default_field = field.name
        elif default_field:
            raise TypeError(
                f"{cls.__name__}: {field.name!r}, without a default, follows {default_field!r}."
            )


class _Constructor:
    """`__init__` of a class until it is first looked up, which compiles it: most classes of a process have no instance."""

    def __init__(self, cls: type, fields: tuple[Any, ...], frozen: bool) -> None:
        self.cls, self.fields, self.frozen = cls, fields, frozen

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., None]:
        constructor: Any = _constructor(self.cls, self.fields, self.frozen)
        if self.cls.__dict__.get("__init__") is self:
            self.cls.__init__ = constructor  # type: ignore[misc]
        return constructor.__get__(instance, owner)


def _constructor(cls: type, fields: tuple[Any, ...], frozen: bool) -> Callable[..., None]:
    """`__init__`, with the fields as parameters."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_factory": _FACTORY}
    places: list[str] = []  # parameters by place
    names: list[str] = []  # and those by name only
    lines = []
    for number, field in enumerate(fields):
        name = value = field.name
        default = ""
        if field.default is not MISSING:
            scope[f"_default{number}"] = field.default
            default = f"=_default{number}"
        elif field.default_factory is not MISSING:
            scope[f"_factory{number}"] = field.default_factory
            default, value = "=_factory", f"_factory{number}()"
            if field.init:
                value += f" if {name} is _factory else {name}"
        if field.init:
            (names if field.kw_only else places).append(name + default)
        elif not default:
            continue
        elif field.default is not MISSING:
            continue  # the class has it
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(["self", *places, *(["*", *names] if names else [])])
    body = "\n        ".join(lines or ["pass"])
    text = f"def make({', '.join(scope)}):\n    def __init__({parameters}):\n        {body}\n    return __init__"
    made: dict[str, Any] = {}
    # With the globals of the class's module, in which tools look up annotations that are texts.
    exec(text, getattr(sys.modules.get(cls.__module__), "__dict__", {}), made)
    constructor: Any = made["make"](**scope)
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    constructor.__module__ = cls.__module__
    constructor.__annotations__ = {f.name: f.type for f in fields if f.init} | {"return": None}
    return constructor


@reprlib.recursive_repr()
def _shown(self: Any) -> str:
    shown = [f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that returns the values of attributes of an object."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    if not names:
        return lambda _: ()
    one = operator.attrgetter(names[0])
    return lambda self: (one(self),)


def _equality(fields: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    values = _getter([field.name for field in fields if field.compare])

    def __eq__(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return __eq__


def _hash(fields: tuple[Any, ...]) -> Callable[[Any], int]:
    values = _getter([f.name for f in fields if (f.compare if f.hash is None else f.hash)])

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _freeze(cls: Any, names: set[str]) -> None:
    """Lets a class refuse changes of its fields, and its own instances any."""

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    for method in (__setattr__, __delattr__):
        if method.__name__ in cls.__dict__:
            raise TypeError(f"Cannot overwrite attribute {method.__name__} in class {cls.__name__}")
        setattr(cls, method.__name__, method)


if TYPE_CHECKING:  # which know the standard library's
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, eq: bool = True, repr: bool = True
    ) -> Any:
        """Makes a class with annotated fields a dataclass; see `dataclasses.dataclass`."""
        if cls is None:
            return lambda cls: _defined(cls, frozen, eq, repr)
        return _defined(cls, frozen, eq, repr)
