"""The files that pipelines read, made once in a folder; usage: python -m bench.data.files FOLDER."""

import pathlib
import sys
import tempfile

import numpy as np


class Files:
    """Paths below a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.jpegs = self.folder / "jpegs"
        self.pngs = self.folder / "pngs"
        self.shards = self.folder / "shards"
        self.examples = self.folder / "examples.tfrecord"
        self.table = self.folder / "table.csv"
        self.text = self.folder / "lines.txt"

    def scratch(self, name):
        """A new path of a file that a pipeline writes."""
        return str(pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / name)


def make(folder):
    """Makes all files that are not there yet."""
    files = Files(folder)
    made = files.folder / ".made_with_pngs"
    if made.exists():
        return
    files.jpegs.mkdir(parents=True, exist_ok=True)
    files.pngs.mkdir(exist_ok=True)
    files.shards.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    _images(files, random)
    _records(files, random)
    _table(files.table, random)
    _lines(files.text, random)
    made.touch()


def _images(files, random, count=128):
    from PIL import Image

    for number in range(count):
        coarse = random.integers(0, 256, (25, 38, 3), np.uint8)
        picture = Image.fromarray(coarse).resize((300, 200), Image.Resampling.BICUBIC)
        picture.save(files.jpegs / f"{number:04d}.jpg", quality=90)
        picture.save(files.pngs / f"{number:04d}.png")


def _records(files, random, shards=32, each=400):
    import penstock as tf

    def example(number):
        feature = {
            "values": tf.train.Feature(float_list=tf.train.FloatList(value=random.random(16))),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[number % 10])),
            "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"n{number}".encode()])),
            "tokens": tf.train.Feature(int64_list=tf.train.Int64List(value=range(number % 23))),
        }
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    with tf.io.TFRecordWriter(str(files.examples)) as whole:
        for shard in range(shards):
            path = files.shards / f"{shard:02d}.tfrecord"
            with tf.io.TFRecordWriter(str(path)) as part:
                for number in range(each):
                    record = example(shard * each + number)
                    whole.write(record)
                    part.write(record)


def _table(path, random, count=30000):
    lines = ["a,b,c,d,label,name"]
    for number, row in enumerate(random.random((count, 4))):
        lines.append(",".join(f"{value:.5f}" for value in row) + f",{number % 7},name{number % 50}")
    path.write_text("\n".join(lines) + "\n")


def _lines(path, random, count=20000):
    words = np.array([f"word{number}" for number in range(1500)])
    lines = [
        " ".join(random.choice(words, size)) for size in random.integers(4, 30, count).tolist()
    ]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    make(sys.argv[1])
