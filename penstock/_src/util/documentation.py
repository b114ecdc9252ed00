"""Sections of docstrings that several functions share."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def with_sections(sections: str) -> Callable[[Function], Function]:
    """Returns a decorator that adds sections to a docstring, before its example.

    Args:
      sections: parts such as "Args:" and "Returns:", without indentation.
    """

    def document(function: Function) -> Function:
        if function.__doc__ is not None:
            lead, mark, example = inspect.cleandoc(function.__doc__).partition("\n\n>>> ")
            function.__doc__ = f"{lead}\n\n{sections.strip()}{mark}{example}"
        return function

    return document
