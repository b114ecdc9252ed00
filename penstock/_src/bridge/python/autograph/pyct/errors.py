"""Errors of rewriting code: `tensorflow.python.autograph.pyct.errors`."""


class PyCTError(Exception):
    """Base of the errors of rewriting code."""


class UnsupportedLanguageElementError(PyCTError, NotImplementedError):
    """Code that cannot be rewritten."""
