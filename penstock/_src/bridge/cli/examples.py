"""The examples at the end of each command's `--help`."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": ("penstock run train.py --epochs 3", "penstock run -m package.train"),
    "launch": (
        "penstock launch -n 4 train.py",
        "penstock launch -n 8 --hosts first:4,second:4 --restarts 3 train.py",
        "penstock launch -n 2 --elastic 1:4 --job job.txt train.py",
    ),
    "resize": ("penstock resize job.txt", "penstock resize job.txt 4"),
    "enable": ("penstock enable", "penstock enable --as 2.19 --constraints constraints.txt"),
    "disable": ("penstock disable",),
    "env": ("penstock env",),
    "doctor": ("penstock doctor", "penstock doctor --first-light"),
    "flags": ("penstock flags",),
    "check-library": (
        "penstock check-library tensorflow-probability",
        "penstock check-library src/",
    ),
    "op": ("penstock op MatMul", "penstock op tf.nn.softmax"),
    "tune": ("penstock tune train.py --epochs 1",),
    "verify": ("penstock verify train.py",),
    "top": ("penstock top train.py",),
    "profile": ("penstock profile train.py",),
    "record": (
        "penstock record runs/ train.py --epochs 1",
        "penstock record --last 3 --operations runs/ train.py",
    ),
    "replay": ("penstock replay runs/", "penstock replay runs/ --line train.py:42"),
    "diff": ("penstock diff runs_before/ runs_after/",),
    "build": (
        "penstock build model/ -o out",
        "penstock build model/ -o out --target aarch64-linux --batch 1,8",
        "penstock build net.keras -o out --python --precision int8",
    ),
    "pack": (
        "penstock key maker.key",
        "penstock pack model/ --key maker.key --batch 1,8",
        "penstock trust maker.key.pub",
    ),
    "key": ("penstock key maker.key",),
    "trust": ("penstock trust maker.key.pub", "penstock trust"),
    "cache": (
        "penstock cache export kernels.pack --key maker.key",
        "penstock cache verify kernels.pack",
        "penstock cache import kernels.pack",
    ),
    "serve": (
        "penstock serve model/",
        "penstock serve models/ --name net --rest-port 8501 --grpc-port -1",
        "penstock serve llama.gguf --host 0.0.0.0 --api-keys keys.txt",
    ),
    "generate": (
        'penstock generate llama.gguf "Once upon a time" --max-tokens 64',
        "penstock generate llama.gguf --chat",
    ),
    "predict": (
        "penstock predict http://localhost:8501/v1/models/net input.json",
        "penstock predict grpc://localhost:8500/models/net picture.jpg --scale 1/255",
    ),
    "convert": (
        "penstock convert net.keras net.onnx",
        "penstock convert model/ net.tflite --quantize int8",
        "penstock convert net.pb model/ --to saved-model",
    ),
    "show": ("penstock show model/", "penstock show --json net.onnx net.tflite"),
    "export": ("penstock export --onnx model/ net.onnx",),
    "import": ("penstock import net.onnx model/", "penstock import --frozen net.onnx model/"),
    "saved-model": (
        "penstock saved-model show --dir model/ --all",
        "penstock saved-model scan --dir model/",
    ),
    "audit": ("penstock audit model/ net.keras",),
}


def text_of(command: str) -> str | None:
    """The examples of a command as the end of its help; None if it has none."""
    lines = EXAMPLES.get(command)
    return None if lines is None else "\n  ".join(["examples:", *lines])
