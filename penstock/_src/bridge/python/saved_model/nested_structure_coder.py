"""`tensorflow.python.saved_model.nested_structure_coder`: additional codecs of nested structures."""

from typing import Any

from penstock._src.core.specs import TypeSpec
from penstock._src.function.structured_values import (
    _BY_REGISTERED_NAME,
    _CLASSES,
    _SPECS,
    CODECS,
    NotEncodableError,
)
from penstock._src.proto.saved import StructuredValue, TypeSpecProto

__all__ = ["BuiltInTypeSpecCodec", "NotEncodableError", "register_codec"]


def register_codec(x: Any) -> None:
    """Adds an object with `can_encode`, `do_encode`, `can_decode` and `do_decode`."""
    CODECS.append(x)


class BuiltInTypeSpecCodec:
    """The codec of a class of TypeSpecs that has a number of its own in the format.

    Raises:
      ValueError: the class is not a TypeSpec, or it or the number has a codec, or the number means a registered name.
    """

    def __init__(self, type_spec_class: Any, type_spec_proto_enum: int) -> None:
        name = getattr(type_spec_class, "__name__", type_spec_class)
        if not (isinstance(type_spec_class, type) and issubclass(type_spec_class, TypeSpec)):
            raise ValueError(f"The type '{type_spec_class}' does not subclass tf.TypeSpec.")
        if name in _SPECS:
            raise ValueError(f"The type '{type_spec_class}' already has an instantiated codec.")
        if type_spec_proto_enum in _CLASSES:
            raise ValueError(f"The proto value '{type_spec_proto_enum}' is already registered.")
        numbers = set(TypeSpecProto.TypeSpecClass.values())
        if type_spec_proto_enum not in numbers - {TypeSpecProto.UNKNOWN, *_BY_REGISTERED_NAME}:
            raise ValueError(f"The proto value '{type_spec_proto_enum}' is invalid.")
        self.type_spec_class, self.type_spec_proto_enum = type_spec_class, type_spec_proto_enum

    def can_encode(self, pyobj: Any) -> bool:
        """True if an object is a spec of this class."""
        return isinstance(pyobj, self.type_spec_class)

    def do_encode(self, type_spec_value: Any, encode_fn: Any) -> Any:
        """Returns the message of a spec."""
        message = StructuredValue()
        spec = message.type_spec_value
        spec.type_spec_class = self.type_spec_proto_enum
        spec.type_spec_class_name = self.type_spec_class.__name__
        spec.type_state.CopyFrom(encode_fn(type_spec_value._serialize()))
        spec.num_flat_components = len(type_spec_value.flatten())
        return message

    def can_decode(self, value: Any) -> bool:
        """True if a message is of a spec of this class."""
        is_spec = value.WhichOneof("kind") == "type_spec_value"
        return is_spec and value.type_spec_value.type_spec_class == self.type_spec_proto_enum

    def do_decode(self, value: Any, decode_fn: Any) -> Any:
        """Returns the spec of a message."""
        return self.type_spec_class._deserialize(decode_fn(value.type_spec_value.type_state))
