"""A page that reads handwritten digits in the browser: trained here, compiled to WebAssembly, asked in Chromium without a network.

Data: 8,000 of MNIST's digits, 2,000 held out (`examples/data/README.md`; CC BY-SA 3.0).
The convolutional network of `make demo` becomes a module of WebAssembly of its weights and some 20 KB of code. `--serve` leaves the page open at
http://localhost:8000. Needs `pip install 'penstock-tensors[keras,aot]'`, and for the trial of the page `playwright` and Chromium.

Result: `accuracy`, of the digits held out as the page reads them, some 0.97; `code`, bytes of the module without its weights.
"""

import argparse
import contextlib
import functools
import http.server
import shutil
import tempfile
import threading
from pathlib import Path

import penstock as tf
import keras
import numpy as np

HERE = Path(__file__).resolve().parent
EPOCHS, ASKED = 3, 200
FILES = ("index.html", "page.mjs", "offline.js")
SEVEN = [(80, 70), (200, 70), (180, 110), (150, 160), (125, 230)]  # a stroke on the canvas


def digits():
    """Returns images of 8,000 digits and labels, and of 2,000 others."""
    with np.load(HERE.parent / "data" / "mnist_10k.npz") as held:
        images, labels = held["images"].astype("float32")[..., None] / 255.0, held["labels"]
    return (images[:8000], labels[:8000]), (images[8000:], labels[8000:])


def trained(images, labels, epochs):
    """Returns a convolutional network from images to ten scores."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0)
    return model


def compiled(model, folder):
    """Writes the page with the model's module; returns the bytes of its code."""
    spec = tf.TensorSpec([1, 28, 28, 1], tf.float32, name="image")
    call = tf.function(lambda image: {"scores": model(image, training=False)})
    options = tf.aot.BuildOptions(target="wasm32", small=True)
    built = tf.aot.build({"read": call.get_concrete_function(spec)}, "digits", options)
    tf.aot.write(built, folder / "model", options)
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    return (folder / "model" / "digits.wasm").stat().st_size - built.model.data.size


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, format, *args):
        """Prints nothing."""


@contextlib.contextmanager
def served(folder, port=0):
    """Serves a folder within the block; gives its URL."""
    handler = functools.partial(Silent, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()


def asked(folder, images, picture):
    """Returns what the page reads in Chromium, without a network from its second visit on; None where Chromium is missing."""
    browsers = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    program = next(filter(None, browsers), None)
    if program is None:
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program)
        page = browser.new_page(viewport={"width": 760, "height": 520})
        with served(folder) as url:
            page.goto(url)
            page.wait_for_selector("html[data-offline=ready]")
        page.reload()  # the server has gone
        page.wait_for_function("globalThis.read !== undefined")
        box = page.locator("#paper").bounding_box()
        assert box is not None
        for at, (x, y) in enumerate(SEVEN):
            page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
            if at == 0:
                page.mouse.down()
        page.mouse.up()
        print(f"A stroke on the canvas is read as {page.locator('li.best b').inner_text()}.")
        if picture:
            page.screenshot(path=picture)
        given = images.reshape(len(images), -1).round(4).tolist()
        code = "images => images.map(x => read(Float32Array.from(x)))"
        found = np.array(page.evaluate(code, given))
        browser.close()
    return found


def main():
    """Runs all of it."""
    parser = argparse.ArgumentParser(description="A model that reads digits in a browser.")
    parser.add_argument("--serve", action="store_true", help="leave the page open at port 8000")
    parser.add_argument("--quick", action="store_true", help="train on 2,000 digits, once")
    parser.add_argument("--picture", help="file of a picture of the page")
    options = parser.parse_args()
    (images, labels), (others, truth) = digits()
    most, epochs = (2000, 1) if options.quick else (8000, EPOCHS)
    model = trained(images[:most], labels[:most], epochs)
    with tempfile.TemporaryDirectory() as root:
        code = compiled(model, Path(root))
        if options.serve:
            with served(root, 8000) as url:
                input(f"The page is at {url}. Enter ends it. ")
        found = asked(root, others[:ASKED], options.picture)
        if found is None:
            print(
                f"digits: code {code}; playwright or Chromium is missing, so nobody asked the page"
            )
            return
        own = tf.nn.softmax(model(others[:ASKED], training=False)).numpy()
        assert np.allclose(found, own, atol=1e-3), "the page reads otherwise than the model"
        accuracy = np.mean(found.argmax(1) == truth[:ASKED])
        print(f"digits: accuracy {accuracy:.3f}, code {code}")


if __name__ == "__main__":
    main()
