"""`tflite_registrar`: the names by which TensorFlow Lite's interpreter is asked for tensorflow-text's operations."""

_NAMES = (
    "AddByteSplit AddByteSplitByOffsets AddFastBertNormalize AddFastSentencepieceDetokenize AddFastSentencepieceTokenize AddFastWordpieceTokenize "
    "AddFastWordpieceDetokenize AddNgramsStringJoin AddRaggedTensorToTensor AddRoundRobinGenerateMasks AddRoundRobinTrim AddSentenceFragmenterV2 AddUtf8Binarize "
    "AddWhitespaceTokenize"
).split()
SELECT_TFTEXT_OPS = list(_NAMES)
globals().update({name: name for name in _NAMES})
