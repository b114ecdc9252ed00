"""Trains a network, exports it, serves it, and asks the server from Python, curl and JavaScript.

Data: 8,000 of MNIST's digits, 2,000 held out (`examples/data/README.md`; CC BY-SA 3.0).
The server is `penstock serve` in a process of its own, at free ports; it is ended at the end. `ask.mjs` is the client in JavaScript, for node or a page.
A version 2 then takes the place of version 1 while requests go on.

Result: `accuracy`, of the digits held out as the server reads them, some 0.95; `clients`, how many got the model's own answer.
"""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import penstock as tf
import keras
import numpy as np

HERE = Path(__file__).resolve().parent
EPOCHS = 2


def digits():
    """Returns images and labels of 8,000 digits, and of 2,000 others."""
    with np.load(HERE.parent / "data" / "mnist_10k.npz") as held:
        images, labels = held["images"], held["labels"]
    return (images[:8000], labels[:8000]), (images[8000:], labels[8000:])


def trained(images, labels):
    """Returns a network from images, as they are in files, to the probabilities of ten digits."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8", name="image"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=64, epochs=EPOCHS, verbose=0)
    return model


@contextlib.contextmanager
def served(folder):
    """Serves the models of a folder within the block; gives the ports of REST and gRPC."""
    command = [sys.executable, "-m", "penstock", "serve", str(folder)]
    command += ["--rest-port=0", "--grpc-port=0", "--file-system-poll-wait-seconds=0.2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()  # it says where, once it answers
        print(line.strip())
        yield [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line)]
    finally:
        process.send_signal(signal.SIGTERM)  # it answers what it has begun, and ends
        process.wait()


def by_command(command, request):
    """Returns the probabilities that another program gets for a request; None if the program is not installed."""
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not installed")
        return None
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout)["predictions"], np.float32)


def agreeing(name, found, expected):
    """Says what a client got; returns 1 if those are the model's own answers."""
    if found is None:
        return 0
    is_equal = np.allclose(found, expected, rtol=1e-5, atol=1e-6)
    print(f"{name:10} reads {found.argmax(1)}, {'as' if is_equal else 'not as'} the model does")
    return int(is_equal)


def main():
    """Runs all of it."""
    (images, labels), (others, truth) = digits()
    model = trained(images, labels)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "digits"
        model.export(folder / "1", verbose=False)
        with served(folder) as (rest_port, grpc_port):
            few, expected = others[:5], model.predict(others[:5], verbose=0)
            url = f"http://127.0.0.1:{rest_port}/v1/models/digits:predict"
            request = json.dumps({"instances": few.tolist()})
            with tf.serving.Client(f"grpc://127.0.0.1:{grpc_port}/models/digits") as client:
                (found,) = client.predict(few).values()
                clients = agreeing("Python", found, expected)
                curl = ["curl", "--silent", "--data", "@-", url]
                clients += agreeing("curl", by_command(curl, request), expected)
                node = ["node", str(HERE / "ask.mjs"), url]
                clients += agreeing("JavaScript", by_command(node, request), expected)
                (found,) = client.predict(others).values()
                accuracy = np.mean(found.argmax(1) == truth)

                model.fit(images, labels, batch_size=64, verbose=0)
                model.export(folder / "2", verbose=False)
                asked = 0
                while client.status()[0].state != "AVAILABLE" or len(client.status()) < 2:
                    client.predict(few)  # version 1 answers until 2 is ready
                    asked += 1
                    time.sleep(0.01)
                print(f"version 2 took over; {asked} requests meanwhile, none failed")
    print(f"digits: accuracy {accuracy:.3f}, clients {clients}")


if __name__ == "__main__":
    main()
