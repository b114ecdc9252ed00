"""The models that tokenizers hold as bytes: FlatBuffers with tries in them, in tensorflow-text's formats.

`flatbuffer.py` reads and writes tables, `double_array.py` tries; `wordpiece.py` is the model of FastWordpieceTokenizer, `normalizer.py` that of FastBertNormalizer,
`phrases.py` that of PhraseTokenizer. Bytes may come from anywhere: damage is an error, never a read outside of them.
"""
