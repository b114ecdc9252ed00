"""Penstock and its peers: the packages of each, installed in its own virtual environment under build/peers."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
KERAS = "keras==3.15.1"
PACKAGES = {
    # As a user installs it: Keras imports jax wherever it is there, as it is among what the tests need.
    "penstock": ["--editable", f"{ROOT}[all,aot]", KERAS],
    "tensorflow": ["tensorflow-cpu==2.21.*", KERAS],
    "jax": ["jax", KERAS],
    "torch": ["torch==2.13.0", "numpy", KERAS],
    "openvino": ["openvino", KERAS],
    "onnxruntime": ["onnxruntime", "numpy"],
    "litert": ["ai-edge-litert", "numpy"],
    "llama_cpp": [
        "llama-cpp-python==0.3.36",
        "numpy",
    ],  # built from source: needs cmake and a C++ compiler
    "openvino_genai": ["openvino-genai", "numpy"],
    "litserve": ["litserve", "onnxruntime", "numpy"],
    "mlserver": ["mlserver", "onnxruntime", "numpy"],
    "triton": ["nvidia-pytriton", "onnxruntime", "numpy"],
    "onnx": ["tensorflow-cpu==2.21.*", "tf2onnx", "onnx", KERAS],  # writes the files of onnxruntime
}
# Runtimes of JavaScript, together under build/peers/browser; their models are written by Penstock.
NODE_PACKAGES = {
    "tfjs-wasm": [
        "@tensorflow/tfjs-core@4.22.0",
        "@tensorflow/tfjs-converter@4.22.0",
        "@tensorflow/tfjs-backend-wasm@4.22.0",
    ],
    "onnxruntime-web": ["onnxruntime-web@1.30.0"],
}
SAME = {"jax-padded": "jax"}  # backends that differ by how a suite uses them
OURS = {"penstock", "penstock_int8", *NODE_PACKAGES}  # whose processes run Penstock
# Triton brings a Python of its own, which reads the standard library of the interpreter that starts it: one that is as old.
INTERPRETERS = {"triton": "/usr/bin/python3"}


def python_of(name):
    """Returns the interpreter of a backend; creates a peer's environment if necessary."""
    name = "penstock" if name in OURS else SAME.get(name, name)
    folder = BUILD / "peers" / name
    python, stamp = folder / "bin" / "python", folder / ".installed"
    if not stamp.exists():
        interpreter = INTERPRETERS.get(name, sys.executable)
        subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES[name]]
        # An editable installation needs no stubs (tools/build_hook.py).
        subprocess.run(install, check=True, env={**os.environ, "HATCH_BUILD_NO_HOOKS": "true"})
        stamp.touch()
    return str(python)


def node_packages():
    """Returns the folder that has the runtimes of JavaScript; installs them if necessary."""
    folder = BUILD / "peers" / "browser"
    stamp = folder / ".installed"
    if not stamp.exists():
        folder.mkdir(parents=True, exist_ok=True)
        packages = [package for each in NODE_PACKAGES.values() for package in each]
        install = ["npm", "install", "--silent", "--prefix", str(folder), *packages]
        subprocess.run(install, check=True)
        stamp.touch()
    return folder
