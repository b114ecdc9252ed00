"""`tflite_registrar`: the registration names of tensorflow-text's operations for TensorFlow Lite's interpreter."""

_NAMES = (
    "AddByteSplit AddByteSplitByOffsets AddFastBertNormalize AddFastSentencepieceDetokenize AddFastSentencepieceTokenize AddFastWordpieceTokenize "
    "AddFastWordpieceDetokenize AddNgramsStringJoin AddRaggedTensorToTensor AddRoundRobinGenerateMasks AddRoundRobinTrim AddSentenceFragmenterV2 AddUtf8Binarize "
    "AddWhitespaceTokenize"
).split()
SELECT_TFTEXT_OPS = list(_NAMES)
globals().update({name: name for name in _NAMES})
