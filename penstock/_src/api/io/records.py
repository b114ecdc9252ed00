"""Record files, and decoding of raw bytes and CSV."""

import enum
import zlib

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.extending.scopes import scoped
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.values import memory_limit
from penstock._src.eager.variable import Variable
from penstock._src.util.export import export
from penstock._src.util.files import records
from penstock._src.util.signatures import native

from .gfile import GFile


class TFRecordCompressionType(enum.IntEnum):
    """Compressions of record files."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


export(v1=["io.TFRecordCompressionType", "python_io.TFRecordCompressionType"])(
    TFRecordCompressionType
)


@export("io.TFRecordOptions", v1=["io.TFRecordOptions", "python_io.TFRecordOptions"])
class TFRecordOptions:
    """Options for the compression of a record file.

    Args:
      compression_type: "", "ZLIB" or "GZIP"; None for "".
      flush_mode, input_buffer_size, output_buffer_size: accepted; no effect on what is written.
      window_bits, compression_level, compression_method, mem_level, compression_strategy: zlib's
        parameters of these names; by default zlib's defaults.
    """

    compression_type_map = {
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type=None,
        flush_mode=None,
        input_buffer_size=None,
        output_buffer_size=None,
        window_bits=None,
        compression_level=None,
        compression_method=None,
        mem_level=None,
        compression_strategy=None,
    ):
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode, self.compression_level = flush_mode, compression_level
        self.input_buffer_size, self.output_buffer_size = input_buffer_size, output_buffer_size
        self.window_bits, self.compression_method = window_bits, compression_method
        self.mem_level, self.compression_strategy = mem_level, compression_strategy

    @classmethod
    def get_compression_type_string(cls, options):
        """ "", "ZLIB" or "GZIP" of options, a type or a name.

        Args:
          options: a TFRecordOptions, a TFRecordCompressionType, a name or None.

        Returns:
          A str.

        Raises:
          ValueError: there is no such compression.
        """
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if isinstance(options, TFRecordCompressionType):
            return cls.compression_type_map[options]
        if options in records.COMPRESSIONS:
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"')


@export("io.TFRecordWriter", v1=["io.TFRecordWriter", "python_io.TFRecordWriter"])
class TFRecordWriter:
    """Writes records to a file of the format that `tf.data.TFRecordDataset` reads.

    The file is complete after `close`, or at the end of a `with` block.

    Args:
      path: a path or a URL.
      options: a `tf.io.TFRecordOptions`, or "GZIP" or "ZLIB" for a compressed file.

    Raises:
      ValueError: there is no such compression.
      InvalidArgumentError: zlib has no such parameters.

    >>> with tf.io.TFRecordWriter(folder + "/a.tfrecord") as writer:
    ...     writer.write(b"one")
    ...     writer.write(b"two")
    >>> [r.numpy() for r in tf.data.TFRecordDataset(folder + "/a.tfrecord")]
    [b'one', b'two']
    """

    def __init__(self, path, options=None):
        self._stream = _compressor(options)
        self._file = GFile(path, "wb")
        self._file.write(b"")

    def write(self, record):
        """Adds a record.

        Args:
          record: a bytes object.

        Raises:
          FailedPreconditionError: the writer is closed.
        """
        if self._file is None:
            raise errors.FailedPreconditionError(None, None, "Writer is closed.")
        if isinstance(record, str):
            record = record.encode()
        data = records.frame(bytes(record))
        self._file.write(self._stream.compress(data) if self._stream else data)

    def flush(self):
        """Writes the buffered records."""
        if self._file is not None:
            if self._stream:
                self._file.write(self._stream.flush(_SYNC))
            self._file.flush()

    def close(self):
        """Closes the file."""
        if self._file is None:
            return
        if self._stream:
            self._file.write(self._stream.flush())
        self._file.close()
        self._file = None

    def __enter__(self):
        return self

    @native
    def __exit__(self, *error):
        self.close()


def _compressor(options):
    compression = TFRecordOptions.get_compression_type_string(options)
    if not compression:
        return None
    settings = options if isinstance(options, TFRecordOptions) else TFRecordOptions()
    parameters = {
        "level": settings.compression_level,
        "method": settings.compression_method,
        "wbits": settings.window_bits,
        "memLevel": settings.mem_level,
        "strategy": settings.compression_strategy,
    }
    named = {name: value for name, value in parameters.items() if value is not None}
    default_bits = zlib.MAX_WBITS + 16 if compression == "GZIP" else zlib.MAX_WBITS
    try:
        return zlib.compressobj(**{"wbits": default_bits, **named})
    except (ValueError, zlib.error) as error:
        raise errors.InvalidArgumentError(
            None, None, f"TFRecordWriter: zlib rejects the options {named}: {error}"
        ) from None


_SYNC = zlib.Z_SYNC_FLUSH


@export(v1=["io.tf_record_iterator", "python_io.tf_record_iterator"])
def tf_record_iterator(path, options=None):
    """Yields the records of a file."""
    compression = TFRecordOptions.get_compression_type_string(options)
    with open(path, "rb") as file:
        try:
            stream = records.opened(file, compression)
            yield from records.read_records(stream, path, admit=memory_limit.require_bytes)
        except records.DamagedRecord as error:
            raise errors.DataLossError(None, None, str(error)) from error


class _LocalVariable(Variable):
    """A variable that a graph holds in the collection of local variables."""

    _collections = ("local_variables",)


@export("io.match_filenames_once", v1=["io.match_filenames_once", "train.match_filenames_once"])
def match_filenames_once(pattern, name=None):
    """A variable with the paths that match a pattern.

    Args:
      pattern: a string scalar or vector, as `tf.io.matching_files`'s.
      name: of the variable.

    Returns:
      A variable of strings `[n]`.
    """
    return _LocalVariable(
        raw.MatchingFiles(pattern=pattern),
        trainable=False,
        name=name or "matching_filenames",
        shape=[None],
    )


@dispatchable("io.decode_raw", v1=[])
def decode_raw(input_bytes, out_type, little_endian=True, fixed_length=None, name=None):
    r"""Returns numbers that are stored as bytes, along a new last axis.

    Args:
      input_bytes: strings of one length, unless `fixed_length` is given.
      out_type: the dtype of the numbers.
      little_endian: whether the lowest byte comes first.
      fixed_length: the number of bytes to which each string is cut or padded with zeros; a
        multiple of the size of a number.
      name: a name for the operation.

    Returns:
      A tensor of shape `input_bytes.shape + [numbers]`.

    Raises:
      InvalidArgumentError: the strings differ in length, or their length is not a multiple of the size.

    >>> tf.io.decode_raw(b"\x01\x00\x00\x01", tf.uint16).numpy()
    array([  1, 256], dtype=uint16)
    """
    kind = dtypes.as_dtype(out_type)
    if fixed_length is not None:
        return raw.DecodePaddedRaw(
            input_bytes=input_bytes,
            fixed_length=fixed_length,
            out_type=kind,
            little_endian=little_endian,
            name=name,
        )
    return raw.DecodeRaw(bytes=input_bytes, out_type=kind, little_endian=little_endian, name=name)


@dispatchable("io.decode_csv", v1=[])
@scoped(named="DecodeCSV")
def decode_csv(
    records,
    record_defaults,
    field_delim=",",
    use_quote_delim=True,
    na_value="",
    select_cols=None,
    name=None,
):
    """Returns the columns of lines of comma-separated values.

    Args:
      records: strings, one line each.
      record_defaults: for each column a tensor of at most one entry: what an empty field means.
        An empty tensor (or a dtype) makes the field required. Its dtype is that of the column:
        float32, float64, int32, int64 or string.
      field_delim: the character between fields.
      use_quote_delim: whether fields may stand in double quotes.
      na_value: a further text that means an empty field.
      select_cols: the sorted indices of the columns to read; by default all.
      name: a name for the operation.

    Returns:
      A list of tensors of the shape of `records`, one for each column.

    Raises:
      ValueError: `select_cols` is not ascending, or not as long as `record_defaults`.
      InvalidArgumentError: a line has another number of fields, or a field does not convert.

    >>> a, b = tf.io.decode_csv(["1,x", ",y"], record_defaults=[[0], [""]])
    >>> a.numpy(), b.numpy()
    (array([1, 0], dtype=int32), array([b'x', b'y'], dtype=object))
    """
    defaults = []
    for default in record_defaults:
        if isinstance(default, dtypes.DType):
            default = convert_to_tensor([], dtype=default)
        elif not isinstance(default, Tensor):
            default = convert_to_tensor(default)
        defaults.append(default)
    if select_cols is not None and any(
        a >= b for a, b in zip(select_cols[:-1], select_cols[1:], strict=True)
    ):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and (select_cols and select_cols[0] < 0):
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    return list(
        raw.DecodeCSV(
            records=records,
            record_defaults=defaults,
            field_delim=field_delim,
            use_quote_delim=use_quote_delim,
            na_value=na_value,
            select_cols=list(select_cols or []),
            name=name,
        )
    )


__getattr__ = op_functions(
    globals(),
    unary="""
io.decode_base64 +decode_base64 = DecodeBase64(input)
    Web-safe base64 text as bytes.

    Args:
      input: a string tensor of any shape; the padding "=" may be missing.
      name: of the operation.

    Returns:
      A string tensor of this shape.
io.encode_base64 +encode_base64 = EncodeBase64(input, pad=False)
    Bytes as web-safe base64 text.

    Args:
      input: a string tensor of any shape.
      pad: whether "=" fills up the last group of four.
      name: of the operation.

    Returns:
      A string tensor of this shape.
io.decode_compressed +decode_compressed = DecodeCompressed(bytes, compression_type="")
    Bytes decompressed: "", "ZLIB" or "GZIP".

    Args:
      bytes: a string tensor of any shape.
      compression_type: "" (not compressed), "ZLIB" or "GZIP".
      name: of the operation.

    Returns:
      A string tensor of this shape.
""",
    dispatchable="""
io.write_file +write_file = WriteFile(filename, contents)
    Writes a string to a file, whose folder is made if needed.

    Args:
      filename: a string scalar: a path or a URL.
      contents: a string scalar.
      name: a name for the operation.

    Returns:
      In graphs an operation, else None.

    >>> tf.io.write_file(folder + "/new/a.txt", "words")
    >>> tf.io.gfile.exists(folder + "/new/a.txt")
    True
audio.decode_wav = DecodeWav(contents, desired_channels=-1, desired_samples=-1)
    Returns the samples and the sample rate of the bytes of a 16-bit WAV file.

    Args:
      contents: a string scalar: the bytes of the file.
      desired_channels: how many channels the result has: others are left out, missing ones repeat
        the last; -1 for those of the file.
      desired_samples: how many samples the result has, cut or padded with zeros; -1 for those of
        the file.
      name: a name for the operation.

    Returns:
      A pair: float32 `[samples, channels]` from -1 to 1, and the rate in samples per second, an
      int32 scalar.

    Raises:
      InvalidArgumentError: the bytes are not a file of this format.

    >>> file = tf.audio.encode_wav([[0.0], [0.5]], sample_rate=8000)
    >>> samples, rate = tf.audio.decode_wav(file)
    >>> samples.numpy().ravel(), rate.numpy()
    (array([0. , 0.5], dtype=float32), np.int32(8000))
audio.encode_wav = EncodeWav(audio, sample_rate)
    Returns the bytes of a 16-bit WAV file of samples.

    Args:
      audio: float32 from -1 to 1, `[samples, channels]`; others are clipped.
      sample_rate: an int32 scalar: samples per second.
      name: a name for the operation.

    Returns:
      A string scalar.

    Raises:
      InvalidArgumentError: `audio` is not a matrix.

    >>> tf.audio.encode_wav([[0.0], [0.5]], sample_rate=8000).numpy()[:4]
    b'RIFF'
io.matching_files +matching_files = MatchingFiles(pattern)
    The paths that match a pattern, sorted.

    Args:
      pattern: a string scalar or vector, with `*`, `?` and `[...]` in file names.
      name: of the operation.

    Returns:
      A string vector.
io.parse_tensor +parse_tensor = ParseTensor(serialized, out_type)
    The tensor of the bytes of a TensorProto.

    Args:
      serialized: a string scalar.
      out_type: the dtype of the tensor.
      name: of the operation.

    Returns:
      A tensor of this dtype.
""",
    plain="""
io.read_file +read_file = ReadFile(filename)
    Returns the contents of a file.

    Args:
      filename: a string scalar: a path or a URL.
      name: a name for the operation.

    Returns:
      A string scalar.

    Raises:
      NotFoundError: there is no such file.

    >>> tf.io.write_file(folder + "/a.txt", "words")
    >>> tf.io.read_file(folder + "/a.txt").numpy()
    b'words'
io.serialize_tensor +serialize_tensor = SerializeTensor(tensor)
    A tensor as the bytes of a TensorProto.

    Args:
      tensor: any dtype.
      name: of the operation.

    Returns:
      A string scalar.
io.decode_json_example +decode_json_example = DecodeJSONExample(json_examples)
    Examples in JSON as the bytes of their messages.

    Args:
      json_examples: a string tensor of any shape: `tf.train.Example`s in JSON.
      name: of the operation.

    Returns:
      A string tensor of this shape.
""",
)
