"""A plugin's client: arrays on its first device, and programs compiled for it and run there."""

import ctypes
import weakref
from collections.abc import Sequence
from ctypes import c_char_p, c_int64, c_uint64

import numpy as np

from penstock._src.core.errors import FailedPreconditionError, UnimplementedError
from penstock._src.devices.pjrt.api import Api, string, struct
from penstock._src.devices.pjrt.options import COMPILE_OPTIONS

# The numbers of element types.
TYPES = {
    name: number
    for number, name in enumerate(
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 bfloat16 complex64 complex128"
        " float8_e5m2 float8_e4m3fn".split(),
        1,
    )
}
ONLY_DURING_CALL = 0  # the time for which an array that is copied to a device must not change
FORMAT = b"mlir"
# Freedoms of XLA's code for CPUs: a maximum of a NaN and a number is the number, for one.
INEXACT = ("xla_cpu_enable_fast_math", "xla_cpu_enable_fast_min_max")


def _address(array: "ctypes.Array[c_int64] | ctypes.Array[c_uint64]") -> int:
    return ctypes.addressof(array)


class Client:
    """A client of a plugin, and its first device."""

    def __init__(self, api: Api) -> None:
        self.api = api
        api.call("Plugin_Initialize")
        (self.handle,) = api.call("Client_Create", *[0] * 6)
        address, count = api.call("Client_AddressableDevices", self.handle)
        if not count:
            raise FailedPreconditionError(None, None, "PJRT: the plugin finds no device.")
        self.device: int = c_uint64.from_address(address).value
        self.platform = string(*api.call("Client_PlatformName", self.handle))

    @property
    def kind(self) -> str:
        """The device's name of its kind: "cpu", "TPU v4"."""
        (description,) = self.api.call("Device_GetDescription", self.device)
        return string(*self.api.call("DeviceDescription_Kind", description))

    def compile(self, text: str) -> "Executable":
        """A module of StableHLO, compiled.

        Raises:
          OpError: the plugin refuses it; the message is its.
        """
        code = text.encode()
        chosen = COMPILE_OPTIONS["CompileOptionsProto"]()
        chosen.executable_build_options.device_ordinal = -1  # any
        chosen.executable_build_options.num_replicas = 1
        chosen.executable_build_options.num_partitions = 1
        for name in INEXACT if self.platform == "cpu" else ():
            chosen.env_option_overrides[name].bool_field = False
        options = chosen.SerializeToString()
        strings = [c_char_p(code), c_char_p(FORMAT), c_char_p(options)]
        places = [ctypes.cast(h, ctypes.c_void_p).value or 0 for h in strings]
        program = struct(places[0], len(code), places[1], len(FORMAT))
        (handle,) = self.api.call(
            "Client_Compile", self.handle, _address(program), places[2], len(options)
        )
        return Executable(self, handle)

    def put(self, array: np.ndarray) -> "DeviceBuffer":
        """A copy of a contiguous array on the device."""
        number = TYPES.get(array.dtype.name)
        if number is None:
            raise UnimplementedError(None, None, f"PJRT: arrays of {array.dtype} have no type.")
        dims = (c_int64 * array.ndim)(*array.shape)
        done, buffer = self.api.call(
            "Client_BufferFromHostBuffer", self.handle, array.ctypes.data, number, _address(dims), array.ndim, 0, 0,
            ONLY_DURING_CALL, self.device, 0, 0,
        )  # fmt: skip
        if done:
            self.api.call("Event_Destroy", done)
        return DeviceBuffer(self, buffer)


class DeviceBuffer:
    """An array on a device, freed when it is not referenced any more."""

    def __init__(self, client: Client, handle: int) -> None:
        self.client, self.handle = client, handle
        weakref.finalize(self, client.api.call, "Buffer_Destroy", handle).atexit = False

    def read(self, array: np.ndarray) -> None:
        """Copies the values to a contiguous array of the shape and type; waits for them.

        Raises:
          OpError: their computation has failed.
        """
        if not array.nbytes:
            return
        order = (c_int64 * array.ndim)(*reversed(range(array.ndim)))
        layout = struct(7 * 8, 0, _address(order), array.ndim, 0, 0, 0, 0)  # row by row, no tiles
        api = self.client.api
        (event,) = api.call(
            "Buffer_ToHostBuffer", self.handle, _address(layout), array.ctypes.data, array.nbytes
        )
        try:
            api.call("Event_Await", event)
        finally:
            api.call("Event_Destroy", event)


class Executable:
    """A compiled module."""

    def __init__(self, client: Client, handle: int) -> None:
        self.client, self.handle = client, handle
        weakref.finalize(self, client.api.call, "LoadedExecutable_Destroy", handle).atexit = False
        (plain,) = client.api.call("LoadedExecutable_GetExecutable", handle)
        (self.results,) = client.api.call("Executable_NumOutputs", plain)
        client.api.call("Executable_Destroy", plain)

    def run(self, arguments: Sequence[DeviceBuffer]) -> list[DeviceBuffer]:
        """The results of `main`, which may still be computed: who reads them waits."""
        outputs = (c_uint64 * max(len(arguments), 1))(*[a.handle for a in arguments])
        handles = (c_uint64 * max(self.results, 1))()
        lists = [(c_uint64 * 1)(_address(a)) for a in (outputs, handles)]
        options = struct(*[0] * 16)
        self.client.api.call(
            "LoadedExecutable_Execute", self.handle, _address(options), _address(lists[0]), 1, len(arguments),
            _address(lists[1]), 0, 0,
        )  # fmt: skip
        return [DeviceBuffer(self.client, handle) for handle in handles[: self.results]]
