"""tf.DeviceSpec: the parts of a device's name, "/job:worker/replica:0/task:1/device:CPU:0"."""

from __future__ import annotations

from typing import Any

from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _type_named(name: str) -> str:
    """A type of devices; the common ones may be given in lower case."""
    return name.upper() if name.upper() in ("CPU", "GPU", "TPU") else name


@export("DeviceSpec", v1=[])
class DeviceSpec:
    """The parts of the name of a device.

    Args:
      job: the name of the job.
      replica: the number of the replica.
      task: the number of the task.
      device_type: such as "CPU".
      device_index: the number of the device of this type.

    >>> tf.DeviceSpec(job="worker", task=1, device_type="CPU", device_index=0).to_string()
    '/job:worker/task:1/device:CPU:0'
    >>> tf.DeviceSpec.from_string("/CPU:3").device_index
    3
    """

    __slots__ = ("_job", "_replica", "_task", "_device_type", "_device_index")

    def __init__(
        self,
        job: Any = None,
        replica: Any = None,
        task: Any = None,
        device_type: Any = None,
        device_index: Any = None,
    ) -> None:
        self._job = None if job is None else str(job)
        self._replica = None if replica is None else int(replica)
        self._task = None if task is None else int(task)
        self._device_type = None if device_type is None else _type_named(str(device_type))
        self._device_index = None if device_index is None else int(device_index)

    job: str | None = read_only("_job", "The job.")
    replica: int | None = read_only("_replica", "The replica.")
    task: int | None = read_only("_task", "The task.")
    device_type: str | None = read_only("_device_type", "CPU, GPU, ...")
    device_index: int | None = read_only("_device_index", "The number among devices of its type.")

    @classmethod
    def from_string(cls, spec: str | None) -> DeviceSpec:
        """Returns the parts of a name.

        Args:
          spec: the name, such as "/job:worker/CPU:0"; None has no parts.

        Returns:
          A `DeviceSpec`.

        Raises:
          ValueError: the name has another form.
        """
        parts: dict[str, Any] = {}
        spec = spec or ""
        for piece in filter(None, spec.split("/")):
            words = piece.split(":")
            kind = words[0].lower()
            if kind in ("job", "replica", "task") and len(words) == 2:
                parts[kind] = words[1]
            elif kind == "device" and len(words) in (2, 3):
                cls._device(parts, words[1], words[2] if len(words) == 3 else None, spec)
            elif words[0].upper() in ("CPU", "GPU", "TPU") and len(words) <= 2:
                cls._device(parts, words[0], words[1] if len(words) == 2 else None, spec)
            else:
                raise ValueError(
                    f"Unknown attribute '{words[0]}' is encountered while parsing the "
                    f"device spec: '{spec}'."
                )
        return cls(**parts)

    @staticmethod
    def _device(parts: dict[str, Any], kind: str, index: str | None, spec: str) -> None:
        if "device_type" in parts:
            raise ValueError(
                f"Multiple device types are not allowed while parsing the device spec: {spec}."
            )
        parts["device_type"] = kind
        parts["device_index"] = None if index in (None, "*") else index

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Returns the parts of a name.

        Args:
          spec: the name, such as "/job:worker/CPU:0".

        Returns:
          A `DeviceSpec`.

        Raises:
          ValueError: the name has another form.
        """
        return self.from_string(spec)

    def _parts(self) -> dict[str, Any]:
        return {name[1:]: getattr(self, name) for name in DeviceSpec.__slots__}

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """Returns the parts of this name with those of another in front of them.

        Args:
          dev: a `DeviceSpec`.

        Returns:
          A `DeviceSpec`.
        """
        parts = {k: v for k, v in dev._parts().items() if v is not None}
        return type(self)(**{**self._parts(), **parts})

    def replace(self, **kwargs: Any) -> DeviceSpec:
        """Returns these parts with some replaced.

        Args:
          **kwargs: parts by name, as the constructor has them.

        Returns:
          A `DeviceSpec`.
        """
        return type(self)(**{**self._parts(), **kwargs})

    def to_string(self) -> str:
        """Returns the name.

        Returns:
          A string.
        """
        text = "".join(
            f"/{name}:{getattr(self, name)}"
            for name in ("job", "replica", "task")
            if getattr(self, name) is not None
        )
        if self._device_type is not None:
            index = "*" if self._device_index is None else self._device_index
            text += f"/device:{self._device_type}:{index}"
        return text

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, DeviceSpec) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v}" for k, v in self._parts().items())
        return f"<DeviceSpec({inside})>"


@export(v1=["DeviceSpec"])
class DeviceSpecV1(DeviceSpec):
    """A (possibly partial) name of a device, with parts that can be set."""

    __slots__ = ()
    # As in TensorFlow, setting a part changes the hash.
    __hash__ = DeviceSpec.__hash__

    def parse_from_string(self, spec: str) -> DeviceSpecV1:
        """Sets the parts from a name; returns this spec."""
        self._set(self.from_string(spec)._parts())
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Sets the parts that `dev` specifies."""
        self._set({name: part for name, part in dev._parts().items() if part is not None})

    def _set(self, parts: dict[str, Any]) -> None:
        for name, part in parts.items():
            setattr(self, f"_{name}", part)


def _settable(name: str) -> property:
    getter: property = getattr(DeviceSpec, name)

    def assign(self: DeviceSpecV1, value: Any) -> None:
        self._set({name: getattr(type(self)(**{name: value}), f"_{name}")})

    return property(getter.fget, assign, doc=getter.__doc__)


for _name in ("job", "replica", "task", "device_type", "device_index"):
    setattr(DeviceSpecV1, _name, _settable(_name))


def merged_device(around: str | None, within: Any) -> str:
    """The device name `within`, completed by the parts of the outer name `around`."""
    inner = "" if within is None else within if isinstance(within, str) else within.to_string()
    outer = DeviceSpec.from_string(around or "")
    return outer.make_merged_spec(DeviceSpec.from_string(inner)).to_string()
