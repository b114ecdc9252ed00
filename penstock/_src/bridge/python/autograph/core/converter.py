"""Options of conversions: `tensorflow.python.autograph.core.converter`."""

from __future__ import annotations

from typing import Any

from penstock._src.function.autograph.public import Feature


class ConversionOptions:
    """What a conversion is asked for. Here only `recursive` makes a difference: the features are always on."""

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
        """Whether a feature is asked for."""
        return Feature.ALL in self.optional_features or feature in self.optional_features

    def call_options(self) -> ConversionOptions:
        """Returns the options of functions that are called."""
        return ConversionOptions(
            self.recursive, False, self.recursive, tuple(self.optional_features)
        )


STANDARD_OPTIONS = ConversionOptions(recursive=True, optional_features=None)


class ProgramContext:
    """What all conversions of a program share."""

    def __init__(self, options: ConversionOptions, autograph_module: Any = None) -> None:
        self.options, self.autograph_module = options, autograph_module
