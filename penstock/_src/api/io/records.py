"""Record files, and decoding of raw bytes and CSV."""

import enum
import zlib

from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.extending.scopes import scoped
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
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
    """How a record file is compressed."""

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
        """ "", "ZLIB" or "GZIP" of options, a type or a name."""
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
    """Writes records to a file, which is complete after `close`."""

    def __init__(self, path, options=None):
        compression = TFRecordOptions.get_compression_type_string(options)
        self._file = GFile(path, "wb")
        self._stream = _compressor(compression)
        self._file.write(b"")

    def write(self, record):
        """Adds a record, a bytes object."""
        if self._file is None:
            raise errors.FailedPreconditionError(None, None, "Writer is closed.")
        if isinstance(record, str):
            record = record.encode()
        data = records.frame(bytes(record))
        self._file.write(self._stream.compress(data) if self._stream else data)

    def flush(self):
        """Writes what is buffered."""
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


def _compressor(compression):
    if compression == "ZLIB":
        return zlib.compressobj()
    if compression == "GZIP":
        return zlib.compressobj(wbits=31)
    return None


_SYNC = zlib.Z_SYNC_FLUSH


@export(v1=["io.tf_record_iterator", "python_io.tf_record_iterator"])
def tf_record_iterator(path, options=None):
    """Yields the records of a file."""
    compression = TFRecordOptions.get_compression_type_string(options)
    with open(path, "rb") as file:
        try:
            stream = records.opened(file, compression)
            yield from records.read_records(stream, path)
        except records.DamagedRecord as error:
            raise errors.DataLossError(None, None, str(error)) from error


@export("io.match_filenames_once", v1=["io.match_filenames_once", "train.match_filenames_once"])
def match_filenames_once(pattern, name=None):
    """A variable with the paths that match a pattern."""
    return Variable(raw.MatchingFiles(pattern=pattern), trainable=False, name=name, shape=[None])


@export("io.decode_raw", v1=[])
def decode_raw(input_bytes, out_type, little_endian=True, fixed_length=None, name=None):
    """Bytes read as numbers, along a new last axis.

    Args:
      input_bytes: strings of equal length.
      out_type: the numbers' type.
      little_endian: their byte order.
      fixed_length: truncate or pad each string to this many bytes.
      name: a name for the operation.
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


@export("io.decode_csv", v1=[])
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
    """The columns of lines of CSV.

    Args:
      records: strings, a line each.
      record_defaults: for each column a default, or its type if it is required.
      field_delim: the field separator.
      use_quote_delim: whether fields may be quoted.
      na_value: the string for a missing field.
      select_cols: the columns to read.
      name: a name for the operation.
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
io.encode_base64 +encode_base64 = EncodeBase64(input, pad=False)
    Bytes as web-safe base64 text.
io.decode_compressed +decode_compressed = DecodeCompressed(bytes, compression_type="")
    Bytes decompressed: "", "ZLIB" or "GZIP".
""",
    plain="""
io.read_file +read_file = ReadFile(filename)
    The contents of a file, as a string scalar.
io.write_file +write_file = WriteFile(filename, contents)
    Writes a string scalar to a file, whose folder is made if needed.
io.serialize_tensor +serialize_tensor = SerializeTensor(tensor)
    A tensor as the bytes of a TensorProto.
io.decode_json_example +decode_json_example = DecodeJSONExample(json_examples)
    Examples in JSON as the bytes of their messages.
audio.decode_wav = DecodeWav(contents, desired_channels=-1, desired_samples=-1)
    Samples in [-1, 1] `[samples, channels]` of a 16-bit WAV file's bytes, and its rate.
audio.encode_wav = EncodeWav(audio, sample_rate)
    The bytes of a 16-bit WAV file of samples in [-1, 1].
io.matching_files +matching_files = MatchingFiles(pattern)
    The paths that match a pattern, sorted.
io.parse_tensor +parse_tensor = ParseTensor(serialized, out_type)
    The tensor of the bytes of a TensorProto.
""",
)
