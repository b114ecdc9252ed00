"""Options of conversions: `tensorflow.python.autograph.core.converter`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import (
    anno,
    ast_util,
    parser,
    templates,
    transformer,
)
from penstock._src.function.autograph.public import Feature


class ConversionOptions:
    """The options of a conversion.

    The converters in `autograph/converters` ask for features; conversions of tf.function have them always.

    Args:
      recursive: whether functions that are called are converted too.
      user_requested: whether the program asked for this conversion.
      internal_convert_user_code: whether code of programs is converted.
      optional_features: the features that are on.
    """

    def __init__(
        self,
        recursive: bool = False,
        user_requested: bool = False,
        internal_convert_user_code: bool = True,
        optional_features: Any = Feature.ALL,
    ) -> None:
        self.recursive, self.user_requested = recursive, user_requested
        self.internal_convert_user_code = internal_convert_user_code
        if optional_features is None:
            optional_features = ()
        if isinstance(optional_features, Feature):
            optional_features = (optional_features,)
        self.optional_features = frozenset(optional_features)

    def as_tuple(self) -> tuple[Any, ...]:
        """Returns the options."""
        names = "recursive user_requested internal_convert_user_code optional_features".split()
        return tuple(getattr(self, name) for name in names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConversionOptions) and self.as_tuple() == other.as_tuple()

    def __hash__(self) -> int:
        return hash(self.as_tuple())

    def uses(self, feature: Feature) -> bool:
        """True if a feature is requested."""
        return Feature.ALL in self.optional_features or feature in self.optional_features

    def call_options(self) -> ConversionOptions:
        """Returns the options of functions that are called."""
        return ConversionOptions(
            self.recursive, False, self.recursive, tuple(self.optional_features)
        )

    def to_ast(self) -> Any:
        """Returns the tree of an expression that makes the same options in converted code."""
        features = [
            parser.parse_expression(f"ag__.{one}")
            for one in sorted(map(str, self.optional_features))
        ]
        return templates.replace_as_expression(
            "ag__.ConversionOptions(recursive=r, user_requested=u, optional_features=o, "
            "internal_convert_user_code=i)",
            r=gast.Constant(self.recursive, kind=None),
            u=gast.Constant(self.user_requested, kind=None),
            o=gast.Tuple(elts=features, ctx=gast.Load()),
            i=gast.Constant(self.internal_convert_user_code, kind=None),
        )


STANDARD_OPTIONS = ConversionOptions(recursive=True, optional_features=None)


class ProgramContext:
    """The common state of all conversions of a program."""

    def __init__(self, options: ConversionOptions, autograph_module: Any = None) -> None:
        self.options, self.autograph_module = options, autograph_module


class Base(transformer.Base):
    """A rewrite of AutoGraph's."""
