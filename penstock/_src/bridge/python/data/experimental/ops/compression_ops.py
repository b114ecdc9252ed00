"""Elements in one variant, compressed."""

from typing import Any

from penstock._src.bridge.python.data.util import structure
from penstock._src.core.registry import raw


def compress(element: Any) -> Any:
    """Returns an element as one compressed variant."""
    spec = structure.type_spec_from_value(element)
    value = structure.normalize_element(element)
    return raw.CompressElement(components=structure.to_tensor_list(spec, value))


def uncompress(element: Any, output_spec: Any) -> Any:
    """Returns the element of type `output_spec` that was compressed."""
    tensors = raw.UncompressElement(
        compressed=element,
        output_types=structure.get_flat_tensor_types(output_spec),
        output_shapes=structure.get_flat_tensor_shapes(output_spec),
    )
    return structure.from_tensor_list(output_spec, tensors)
