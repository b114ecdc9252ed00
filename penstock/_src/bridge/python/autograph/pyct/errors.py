"""Errors of rewriting code: `tensorflow.python.autograph.pyct.errors`."""

from penstock._src.function.autograph.parser import InaccessibleSourceCodeError, PyCTError

__all__ = ["InaccessibleSourceCodeError", "PyCTError", "UnsupportedLanguageElementError"]


class UnsupportedLanguageElementError(PyCTError, NotImplementedError):
    """Code that cannot be rewritten."""
