"""Placeholders for variables that have no value yet."""

from typing import Any, NoReturn


class Undefined:
    """A variable that a branch or loop may define later; using it raises UnboundLocalError, and its parts are undefined too."""

    def __init__(self, name: str):
        self.symbol_name = name

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnboundLocalError(f"'{self.symbol_name}' is used before assignment")

    __call__ = __setitem__ = __len__ = __iter__ = __contains__ = __bool__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        _fail
    )
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __pow__ = __matmul__ = __mod__ = __floordiv__ = (
        _fail
    )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def read(self) -> NoReturn:
        """Raises UnboundLocalError."""
        self._fail()

    def __repr__(self) -> str:
        return self.symbol_name


class UndefinedReturnValue(Undefined):
    """The result of a function that has not reached a return statement yet."""

    def __init__(self) -> None:
        super().__init__("return value")


def is_undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


def ld(value: Any) -> Any:
    """Returns a variable's value; raises UnboundLocalError if it has none."""
    if isinstance(value, Undefined):
        return value._fail()
    return value


def ldu(read: Any, name: str) -> Any:
    """Returns `read()`, or Undefined if the name does not exist."""
    try:
        return read()
    except (NameError, AttributeError, KeyError, IndexError):
        return Undefined(name)


def returned(value: Any) -> Any:
    """The result of a converted function: None if no return statement ran."""
    return None if isinstance(value, UndefinedReturnValue) else ld(value)
