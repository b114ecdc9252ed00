"""Unicode's normalization forms, case folding, and mending of UTF-8."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.strings.functions import unicode_transcode
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged, on_values
from penstock._src.util.export import export


@export("text.case_fold_utf8", v1=[])
def case_fold_utf8(input: Any, name: str | None = None) -> Any:
    """Returns strings with case folded: Unicode's NFKC_Casefold.

    Args:
      input: strings in UTF-8, dense or ragged.
      name: of the operation.

    Returns:
      Strings of the same shape.

    >>> tf.text.case_fold_utf8(["The Quick Straße"]).numpy()
    array([b'the quick strasse'], dtype=object)
    """
    return on_values(
        lambda flat: raw.CaseFoldUTF8(input=flat, name=name), dense_or_ragged(input, dtypes.string)
    )


@export("text.normalize_utf8", v1=[])
def normalize_utf8(input: Any, normalization_form: str = "NFKC", name: str | None = None) -> Any:
    """Returns strings in a normalization form of Unicode.

    Args:
      input: strings in UTF-8, dense or ragged.
      normalization_form: "NFC", "NFKC", "NFD" or "NFKD".
      name: of the operation.

    Returns:
      Strings of the same shape.

    Raises:
      InvalidArgumentError: there is no such form.

    >>> tf.text.normalize_utf8("①").numpy()
    b'1'
    """

    def normalize(flat: Any) -> Any:
        return raw.NormalizeUTF8(input=flat, normalization_form=normalization_form, name=name)

    return on_values(normalize, dense_or_ragged(input, dtypes.string))


@export("text.normalize_utf8_with_offsets_map", v1=[])
def normalize_utf8_with_offsets_map(
    input: Any, normalization_form: str = "NFKC", name: str | None = None
) -> Any:
    """Returns strings in a normalization form, and where their bytes come from.

    Args:
      input: strings in UTF-8, dense or ragged.
      normalization_form: "NFC", "NFKC", "NFD" or "NFKD".
      name: of the operation.

    Returns:
      The strings, and a variant for each, which `find_source_offsets` takes.

    Raises:
      InvalidArgumentError: there is no such form.

    >>> made, offsets_map = tf.text.normalize_utf8_with_offsets_map(["①x"])
    >>> tf.text.find_source_offsets(offsets_map, [[0, 1, 2]]).numpy()
    array([[0, 3, 4]])
    """
    input = dense_or_ragged(input, dtypes.string)
    flat = input.flat_values if isinstance(input, RaggedTensor) else input
    normalized = raw.NormalizeUTF8WithOffsetsMap(
        input=flat, normalization_form=normalization_form, name=name
    )
    return (
        tuple(input.with_flat_values(part) for part in normalized)
        if isinstance(input, RaggedTensor)
        else tuple(normalized)
    )


@export("text.find_source_offsets", v1=[])
def find_source_offsets(offsets_map: Any, input_offsets: Any, name: str | None = None) -> Any:
    """Returns the bytes of strings before normalization for bytes of the normalized ones.

    Args:
      offsets_map: what `normalize_utf8_with_offsets_map` gave.
      input_offsets: int64 bytes of each normalized string, in the last dimension, dense or ragged.
      name: of the operation.

    Returns:
      int64 bytes of the same shape.

    Raises:
      InvalidArgumentError: there are more or fewer rows than maps.
    """
    offsets = dense_or_ragged(input_offsets, dtypes.int64)
    maps = dense_or_ragged(offsets_map, dtypes.variant)
    if isinstance(offsets, RaggedTensor):
        flat = (
            maps.flat_values
            if isinstance(maps, RaggedTensor)
            else raw.Reshape(tensor=maps, shape=[-1])
        )
        sources = raw.FindSourceOffsets(
            offsets_map=flat,
            input_offsets_values=offsets.flat_values,
            input_offsets_splits=offsets.nested_row_splits[-1],
            name=name,
        )
        return offsets.with_flat_values(sources)
    rank = offsets.shape.rank
    if rank > 1:
        ragged = RaggedTensor.from_tensor(offsets, ragged_rank=rank - 1)
        return find_source_offsets(maps, ragged, name).to_tensor()
    row = raw.Reshape(tensor=offsets, shape=[1, -1])
    return raw.Reshape(tensor=find_source_offsets(maps, row, name), shape=raw.Shape(input=offsets))


@export("text.coerce_to_structurally_valid_utf8", v1=[])
def coerce_to_structurally_valid_utf8(
    input: Any, replacement_char: str = chr(65533), name: str | None = None
) -> Any:
    """Returns strings in which what is malformed UTF-8 is replaced.

    Args:
      input: strings, dense or ragged.
      replacement_char: the character that stands for each malformed part.
      name: of the operation.

    Returns:
      Strings of the same shape.

    >>> tf.text.coerce_to_structurally_valid_utf8([b"a\\xffb"], "?").numpy()
    array([b'a?b'], dtype=object)
    """
    return unicode_transcode(
        input,
        input_encoding="UTF-8",
        output_encoding="UTF-8",
        errors="replace",
        replacement_char=ord(replacement_char),
        name=name,
    )
