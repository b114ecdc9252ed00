"""Values of inputs from the contents of files: JSON, .npy, .npz or images; and outputs as such contents."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.specs import TensorSpec
from penstock._src.serving.client.protocols.base import SignatureInfo
from penstock._src.serving.client.protocols.rest import texts
from penstock._src.serving.rest.parsing import values
from penstock._src.util.process.installing import pip_install

_NPY, _NPZ = b"\x93NUMPY", b"PK\x03\x04"
# The first bytes of image files.
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read(data: bytes, signature: SignatureInfo, name: str = "", scale: float = 1.0) -> Any:
    """Returns the values of a signature's inputs, by name, or that of the only one.

    Arrays and images that lack the first axis of their input are a batch of one.

    Args:
      data: JSON, as TensorFlow Serving's requests or the inputs themselves; a .npy or .npz file; or an image that Pillow opens.
      signature: that is called.
      name: of the input that it is for; "" for the only one.
      scale: that the numbers of an image's pixels, from 0 to 255, are multiplied by, for inputs of floats.

    Raises:
      InvalidArgumentError: the contents are none of these, or there is no such input.
      ImportError: it is an image, and Pillow is not installed.
    """
    if data.startswith(_NPZ):
        return _npz(data, signature)
    if not data.startswith(_NPY) and not _is_image(data):
        return _json(data, name)
    wanted = name or _only(signature)
    if wanted not in signature.inputs:
        raise InvalidArgumentError(
            f"There is no input '{wanted}'. There are {sorted(signature.inputs)}."
        )
    spec = signature.inputs[wanted]
    array = _npy(data) if data.startswith(_NPY) else _image(data, spec, wanted, scale)
    return {wanted: _as_batch(array, spec)}


def write(outputs: Mapping[str, np.ndarray], kind: str = "json") -> bytes:
    """Returns outputs as JSON, or as the contents of a .npz file or, if there is one output, a .npy file.

    Args:
      outputs: arrays by name.
      kind: "json", "npz" or "npy".

    Raises:
      InvalidArgumentError: that kind cannot hold them.
    """
    if kind == "json":
        columns = {
            name: texts(array.tolist()) if array.dtype == object else values.jsonable(array, name)
            for name, array in outputs.items()
        }
        return values.dumps(columns, columns.values()) + b"\n"
    if any(array.dtype == object for array in outputs.values()):
        raise InvalidArgumentError("Strings cannot be written to .npy and .npz files; JSON can.")
    file = io.BytesIO()
    if kind == "npz":
        np.savez(file, allow_pickle=False, **outputs)
    elif len(outputs) == 1:
        np.save(file, next(iter(outputs.values())), allow_pickle=False)
    else:
        raise InvalidArgumentError(
            f"A .npy file has one array. The outputs are {sorted(outputs)}; .npz holds several."
        )
    return file.getvalue()


def _only(signature: SignatureInfo) -> str:
    if len(signature.inputs) != 1:
        raise InvalidArgumentError(
            f"Expected the name of an input, as there are several: {sorted(signature.inputs)}."
        )
    return next(iter(signature.inputs))


def _as_batch(array: np.ndarray, spec: TensorSpec) -> np.ndarray:
    is_row = spec.shape.rank == array.ndim + 1 and spec.shape[0] in (None, 1)
    return array[None] if is_row else array


def _npy(data: bytes) -> np.ndarray:
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InvalidArgumentError(f"The .npy file is damaged: {error}.") from error


def _npz(data: bytes, signature: SignatureInfo) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and zlib have errors of their own
        raise InvalidArgumentError(f"The .npz file is damaged: {error}.") from error
    specs = signature.inputs
    return {n: _as_batch(a, specs[n]) if n in specs else a for n, a in arrays.items()}


def _json(data: bytes, name: str) -> Any:
    parsed = values.parse(data)
    if isinstance(parsed, dict) and "instances" in parsed:
        parsed = _columns(parsed["instances"])
    elif isinstance(parsed, dict) and "inputs" in parsed:
        parsed = parsed["inputs"]
    parsed = _without_base64(parsed)
    return {name: parsed} if name and not isinstance(parsed, dict) else parsed


def _columns(rows: Any) -> Any:
    if not isinstance(rows, list) or not rows:
        raise InvalidArgumentError("'instances' expects a non-empty list.")
    if not isinstance(rows[0], dict) or values.is_bytes_object(rows[0]):
        return rows
    names = rows[0].keys()
    if any(not isinstance(row, dict) or row.keys() != names for row in rows):
        raise InvalidArgumentError(f"'instances': expected objects with the keys {sorted(names)}.")
    return {name: [row[name] for row in rows] for name in names}


def _without_base64(value: Any) -> Any:
    """A JSON value in which {"b64": ...} is replaced by bytes."""
    if values.is_bytes_object(value):
        return values.bytes_of(value, "b64")
    if isinstance(value, dict):
        return {name: _without_base64(item) for name, item in value.items()}
    return [_without_base64(item) for item in value] if isinstance(value, list) else value


def _is_image(data: bytes) -> bool:
    return data.startswith(_IMAGES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _image(data: bytes, spec: TensorSpec, name: str, scale: float) -> np.ndarray:
    """An image as rows, columns and channels of an input's shape; the file itself where the input is of strings."""
    if spec.dtype is dtypes.string:
        return np.array(data, object)
    extents = [] if spec.shape.rank not in (3, 4) else spec.shape.as_list()[-3:]
    if not extents or extents[2] not in (None, *_MODES):
        raise InvalidArgumentError(
            f"The input '{name}' of shape {spec.shape} cannot take an image: expected rows, columns, and 1, 3 or 4 channels."
        )
    if scale != 1.0 and not spec.dtype.is_floating:
        raise InvalidArgumentError(
            f"The input '{name}' is of type {spec.dtype.name}: its pixels cannot be scaled by {scale}."
        )
    height, width, channels = extents
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImportError(f"Images need Pillow: {pip_install('image')}.") from error
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert(_MODES[channels or 3])
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidArgumentError(f"The image cannot be read: {error}.") from error
    size = width or picture.width, height or picture.height
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(picture).reshape(size[1], size[0], -1)
    return pixels * np.float32(scale) if spec.dtype.is_floating else pixels
