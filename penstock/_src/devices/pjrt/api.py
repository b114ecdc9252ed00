"""The C API of a PJRT plugin by ctypes.

A plugin exports `GetPjrtApi`, which returns the address of a struct of functions. Each function takes one struct of arguments, in which every
field is a word of eight bytes (narrower ones are padded to that), and returns an error or null. So a struct is an array of words.
"""

import ctypes
from ctypes import c_char, c_uint32, c_uint64, c_void_p
from pathlib import Path

from penstock._src.core.errors import (
    FailedPreconditionError,
    UnimplementedError,
    exception_type_from_error_code,
)
from penstock._src.util.dataclass import dataclass

WORD = 8
HEADER = 2  # words: the struct's size, extensions
SPARE = 8  # words that are 0, for fields that later versions add: plugins refuse structs that are too short
FIRST = 40  # bytes of the struct of functions before the first of them: size, extensions, version
VERSION = 32  # bytes before the numbers of the version

# number: name and the fields of its struct; fields after the arrow are results.
_FUNCTIONS = """
 0 Error_Destroy: error
 1 Error_Message: error -> message size
 2 Error_GetCode: error -> code
 3 Plugin_Initialize:
 5 Event_Destroy: event
 8 Event_Await: event
10 Client_Create: options option_count get_callback get_argument put_callback put_argument -> client
11 Client_Destroy: client
12 Client_PlatformName: client -> name size
14 Client_PlatformVersion: client -> version size
16 Client_AddressableDevices: client -> devices count
20 Client_Compile: client program options options_size -> executable
22 Client_BufferFromHostBuffer: client data type dims rank strides stride_count semantics device memory layout -> done buffer
26 DeviceDescription_Kind: description -> kind size
29 Device_GetDescription: device -> description
40 Executable_Destroy: executable
44 Executable_NumOutputs: executable -> count
50 LoadedExecutable_Destroy: executable
51 LoadedExecutable_GetExecutable: loaded -> executable
55 LoadedExecutable_Execute: executable options arguments device_count argument_count results events device
58 Buffer_Destroy: buffer
70 Buffer_ToHostBuffer: buffer layout target size -> event
"""
_GIVE_NOTHING = frozenset({"Error_Destroy", "Error_Message"})  # no error either


@dataclass(frozen=True)
class _Function:
    """A function's number, and the numbers of words that it takes and returns."""

    number: int
    takes: int
    gives: int


def _table() -> dict[str, _Function]:
    table = {}
    for line in _FUNCTIONS.strip().splitlines():
        head, fields = line.split(":")
        number, name = head.split()
        takes, _, gives = fields.partition("->")
        table[name] = _Function(int(number), len(takes.split()), len(gives.split()))
    return table


FUNCTIONS = _table()


class Api:
    """The functions of a plugin's library.

    Args:
      path: of the library.

    Raises:
      FailedPreconditionError: it is not a library, not a plugin, or a plugin of another API.
    """

    def __init__(self, path: Path) -> None:
        try:
            entry = ctypes.CDLL(str(path)).GetPjrtApi
        except (OSError, AttributeError) as error:
            raise FailedPreconditionError(
                None, None, f"PJRT: {path} is not a plugin's library: {error}"
            ) from error
        entry.restype = c_void_p
        address = entry()
        if not address:
            raise FailedPreconditionError(None, None, f"PJRT: {path} gives no API.")
        size = c_uint64.from_address(address).value
        major, minor = (c_uint32 * 2).from_address(address + VERSION)
        self.version = (int(major), int(minor))
        if major:
            raise FailedPreconditionError(
                None, None, f"PJRT: {path} has version {major}.{minor} of the API; 0 is required."
            )
        addresses = (c_uint64 * ((size - FIRST) // WORD)).from_address(address + FIRST)
        kinds = {
            True: ctypes.CFUNCTYPE(None, c_void_p),
            False: ctypes.CFUNCTYPE(c_void_p, c_void_p),
        }
        self._functions = {
            name: kinds[name in _GIVE_NOTHING](addresses[f.number])
            for name, f in FUNCTIONS.items()
            if f.number < len(addresses) and addresses[f.number]
        }

    def call(self, name: str, *words: int) -> tuple[int, ...]:
        """Calls a function with the words of its struct; returns the words after them.

        Raises:
          UnimplementedError: the plugin lacks the function.
          OpError: of the class of the plugin's error.
        """
        function, pointer = FUNCTIONS[name], self._functions.get(name)
        if pointer is None:
            raise UnimplementedError(None, None, f"PJRT: the plugin has no {name}.")
        assert len(words) == function.takes, name
        block = struct(*words, *[0] * function.gives)
        error = pointer(ctypes.addressof(block))
        if error:
            self._raise(name, error)
        first = HEADER + function.takes
        return tuple(block[first : first + function.gives])

    def _raise(self, name: str, error: int) -> None:
        text = string(*self.call("Error_Message", error))
        (code,) = self.call("Error_GetCode", error)
        self.call("Error_Destroy", error)
        raise exception_type_from_error_code(code)(None, None, f"PJRT, {name}: {text}")


def struct(*words: int) -> ctypes.Array[c_uint64]:
    """A struct of words after its header."""
    words_ = (c_uint64 * (HEADER + len(words) + SPARE))()
    words_[0] = ctypes.sizeof(words_)
    words_[HEADER : HEADER + len(words)] = words
    return words_


def string(address: int, size: int) -> str:
    """The text at an address."""
    return bytes((c_char * size).from_address(address)).decode() if size else ""
