"""Model: the common input and output of all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY


@dataclass(frozen=True)
class Model:
    """Functions by the names of their signatures, and what keeps their variables alive.

    Attributes:
      signatures: concrete functions; the names of a function's inputs are its `argument_names`.
      root: the object that owns the variables, None if there are none.
      path: the file or folder that it was read from, for messages.
      details: facts of the format that `penstock show` prints, by their titles.
    """

    signatures: Mapping[str, ConcreteFunction]
    root: Any = None
    path: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def only(self, purpose: str) -> tuple[str, ConcreteFunction]:
        """Returns the name and function of the signature to write where a format holds one: the default one, or the only one.

        Args:
          purpose: the format's name, for the message.

        Raises:
          InvalidArgumentError: there are several, and none is the default.
        """
        name = DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self.signatures:
            if len(self.signatures) != 1:
                raise InvalidArgumentError(
                    f"{purpose} holds one function, and {self.path or 'the model'} has the signatures "
                    f"{sorted(self.signatures)}: name one of them."
                )
            (name,) = self.signatures
        return name, self.signatures[name]

    def with_only(self, name: str) -> Model:
        """Returns a model of one of the signatures.

        Raises:
          InvalidArgumentError: there is no such signature.
        """
        if name not in self.signatures:
            raise InvalidArgumentError(
                f"{self.path or 'The model'} has no signature {name!r}; it has {sorted(self.signatures)}."
            )
        return Model({name: self.signatures[name]}, self.root, self.path, self.details)


def of_function(function: ConcreteFunction, root: Any = None) -> Model:
    """Returns a model whose default signature is a concrete function."""
    return Model({DEFAULT_SERVING_SIGNATURE_DEF_KEY: function}, root)
