"""Optional elements."""

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.iteration.optional import OptionalValue
from penstock._src.ops.data_iterators.components import of_types_and_shapes


class OptionalFromValue(Op):
    """An optional with the given components."""

    signature = "components: *Toutput_types -> optional: variant[]"
    Toutput_types: list[DType]

    def gradient(self, components, _optional, dy):
        shapes = [component.shape for component in components]
        return list(
            raw.OptionalGetValue(
                optional=dy, output_types=list(self.Toutput_types), output_shapes=shapes
            )
        )

    def eager(self, components):
        return OptionalValue(tuple(components))


class OptionalNone(Op):
    """An empty optional."""

    signature = "-> optional: variant[]"

    def eager(self):
        return OptionalValue(None)


class OptionalHasValue(Op):
    """True if an optional has a value."""

    signature = "optional: variant -> has_value: bool[]"

    def eager(self, optional):
        return np.array(optional.components is not None)


class OptionalGetValue(Op):
    """The components of an optional."""

    signature = "optional: variant -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def gradient(self, _optional, _components, dy):
        return raw.OptionalFromValue(components=dy)

    def eager(self, optional):
        if optional.components is None:
            raise InvalidArgumentError("The given optional does not have a value.")
        return of_types_and_shapes(self, optional.components)
