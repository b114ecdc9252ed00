"""`tensorflow.python.framework.extension_type_field`: the fields of extension types."""

from typing import Any

from penstock._src.api.extending.fields import (
    ExtensionTypeField,
    Use,
    check_annotation,
    convert_fields,
    converted,
)

__all__ = ["ExtensionTypeField", "convert_fields"]

_ConversionContext = Use
_convert_value = converted
validate_field_value_type = check_annotation


def convert_fields_for_spec(fields: Any, field_values: dict[str, Any]) -> None:
    """Converts, in place, the value of each field of a TypeSpec; see `convert_fields`."""
    convert_fields(fields, field_values, Use.SPEC)
