"""A heavy input pipeline: files interleaved, sessions cut by windows and groups, py_function, tables, joins, weights, counters, errors skipped."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(341)
rng = np.random.default_rng(341)
for shard in range(3):
    with open(f"log-{shard}.csv", "w") as file:
        file.write("user,time,page,amount\n")
        for _ in range(25):
            amount = "oops" if rng.random() < 0.08 else f"{rng.gamma(2, 10):.2f}"
            file.write(
                f"{rng.integers(6)},{rng.integers(1000)},{rng.choice(['home', 'cart', 'pay', 'help'])},{amount}\n"
            )

pages = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(["home", "cart", "pay"], tf.constant([1, 2, 3], tf.int64)),
    -1,
)
names = tf.lookup.experimental.MutableHashTable(tf.int64, tf.string, "")
names.insert(tf.range(6, dtype=tf.int64), [f"user{k}" for k in range(6)])


def parse(line):
    user, time, page, amount = tf.io.decode_csv(line, [0, 0, "", ""])
    number = tf.strings.to_number(amount)
    return {
        "user": tf.cast(user, tf.int64),
        "time": time,
        "page": pages.lookup(page),
        "amount": number,
    }


files = tf.data.Dataset.list_files("log-*.csv", shuffle=False)
lines = files.interleave(
    lambda name: (
        tf.data.TextLineDataset(name)
        .skip(1)
        .enumerate()
        .filter(lambda k, _: k % 5 != 4)
        .map(lambda k, line: line)
    ),
    cycle_length=2,
    block_length=3,
    num_parallel_calls=2,
    deterministic=True,
)
rows = lines.map(parse).ignore_errors()
table = list(rows.as_numpy_iterator())
print(
    "RESULT rows",
    len(table),
    *[int(sum(r[key] for r in table)) for key in ("user", "time", "page")],
    float(sum(r["amount"] for r in table)),
)

grouped = rows.group_by_window(
    lambda row: row["user"],
    lambda user, window: window.batch(4).map(lambda b: {**b, "who": names.lookup(b["user"][:1])}),
    4,
)
for batch in grouped.take(4):
    print(
        "RESULT group",
        batch["who"].numpy()[0].decode(),
        *batch["time"].numpy(),
        float(tf.reduce_sum(batch["amount"])),
    )


def highest(window):
    best = window.reduce(
        (tf.constant(-1.0), tf.constant(0)),
        lambda s, row: (tf.maximum(s[0], row["amount"]), s[1] + 1),
    )
    return tf.data.Dataset.from_tensors(best)


windows = rows.window(8, shift=5, stride=2, drop_remainder=False)
best = windows.flat_map(lambda w: highest(tf.data.Dataset.zip(w)))
print("RESULT windows", *[float(v) for v, _ in best], *[int(n) for _, n in best])


def entropy(values):
    share = values.numpy() / values.numpy().sum()
    return np.float32(-(share * np.log(share)).sum())


measured = (
    rows.map(lambda row: row["amount"])
    .batch(9)
    .map(lambda v: (tf.py_function(entropy, [v], tf.float32), tf.size(v)))
)
print("RESULT entropy", *[float(x) for pair in measured for x in pair])
doubled = rows.map(lambda row: tf.numpy_function(lambda a: a * 2, [row["time"]], tf.int32)).map(
    lambda t: tf.ensure_shape(t, [])
)
print("RESULT doubled", doubled.element_spec.shape, int(doubled.reduce(0, tf.add)))


def numbers(start, count):
    for k in range(count):
        yield {"k": start + k, "row": np.arange(k + 1, dtype="float32")}


spec = {"k": tf.TensorSpec([], tf.int32), "row": tf.TensorSpec([None], tf.float32)}
generated = tf.data.Dataset.from_tensor_slices(([10, 20, 30], [2, 0, 3])).flat_map(
    lambda start, count: tf.data.Dataset.from_generator(
        numbers, args=(start, count), output_signature=spec
    )
)
for batch in generated.padded_batch(3, padding_values={"k": 0, "row": -1.0}):
    print(
        "RESULT generated",
        *batch["k"].numpy(),
        batch["row"].shape,
        float(tf.reduce_sum(batch["row"])),
    )

mixed = tf.data.Dataset.sample_from_datasets(
    [
        tf.data.Dataset.range(0, 6).repeat(),
        tf.data.Dataset.range(100, 104),
        tf.data.Dataset.from_tensors(tf.constant(-1, tf.int64)).repeat(),
    ],
    weights=[0.5, 0.3, 0.2],
    seed=5,
    stop_on_empty_dataset=True,
)
print("RESULT mixed", *mixed.as_numpy_iterator())
chosen = tf.data.Dataset.choose_from_datasets(
    [tf.data.Dataset.range(3), tf.data.Dataset.range(10, 14)], tf.data.Dataset.range(2).repeat(4)
)
print("RESULT chosen", *chosen.as_numpy_iterator())
rejected = rows.rejection_resample(
    lambda row: tf.cast(row["page"] > 1, tf.int32), [0.5, 0.5], [0.6, 0.4], seed=3
)
print("RESULT resampled", len(list(rejected)), int(sum(int(k) for k, _ in rejected)))
state = rows.scan(
    tf.zeros([6]),
    lambda s, r: (tf.tensor_scatter_nd_add(s, [[r["user"]]], [r["amount"]]), tf.reduce_max(s)),
)
print("RESULT scanned", *[float(v) for v in state.skip(40).take(5)])
unique = rows.map(lambda row: row["page"] * 10 + row["user"]).unique()
print("RESULT unique", *sorted(unique.as_numpy_iterator()))
until = rows.take_while(lambda row: row["amount"] < 60).shard(2, 1)
print("RESULT until", len(list(until)), int(rows.cardinality()), int(rows.batch(7).cardinality()))
folded = (
    tf.data.Dataset.zip((tf.data.Dataset.range(20), tf.data.Dataset.random(seed=9)))
    .snapshot("snap")
    .cache()
    .shuffle(8, seed=2, reshuffle_each_iteration=False)
)
print("RESULT folded", *[int(k) for k, _ in folded], *[int(r) for _, r in folded.take(2)])
ragged = (
    rows.map(lambda row: tf.range(tf.maximum(row["page"], 0)))
    .filter(lambda v: tf.size(v) > 0)
    .ragged_batch(5)
)
print("RESULT ragged", *[int(n) for batch in ragged.take(2) for n in batch.row_lengths()])
