"""Decorators for TensorFlow's documentation generator; they return the definition unchanged."""

from __future__ import annotations

from typing import Any, TypeVar

Marked = TypeVar("Marked")


def do_not_generate_docs(obj: Marked) -> Marked:
    """Returns `obj`."""
    return obj


do_not_doc_inheritable = do_not_doc_in_subclasses = do_not_generate_docs
doc_in_current_and_subclasses = for_subclass_implementers = do_not_generate_docs
doc_private = should_doc_private = inheritable_header = do_not_generate_docs


def header(text: str) -> Any:
    """Returns a decorator that returns the definition unchanged."""
    del text
    return do_not_generate_docs
