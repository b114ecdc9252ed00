"""SentencePiece's model files: ModelProto. Texts are bytes, which need not be UTF-8."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "sentencepiece",
    """
ModelProto
    pieces=1 SentencePiece*, trainer_spec=2 TrainerSpec, normalizer_spec=3 NormalizerSpec, denormalizer_spec=5 NormalizerSpec
ModelProto.SentencePiece
    piece=1 bytes, score=2 float, type=3 int32?
TrainerSpec
    model_type=3 int32?, treat_whitespace_as_suffix=24 bool, byte_fallback=35 bool, unk_id=40 int32?, bos_id=41 int32?, eos_id=42 int32?, pad_id=43 int32?,
    unk_surface=44 bytes?, unk_piece=45 bytes?, bos_piece=46 bytes?, eos_piece=47 bytes?
NormalizerSpec
    name=1 bytes, precompiled_charsmap=2 bytes, add_dummy_prefix=3 bool?, remove_extra_whitespaces=4 bool?, escape_whitespaces=5 bool?
""",
    package="penstock.sentencepiece",
)
ModelProto = SCHEMA["ModelProto"]
