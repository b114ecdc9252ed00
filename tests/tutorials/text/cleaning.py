"""Text cleaned and numbered by string operations: normalization, regular expressions, n-grams, byte pairs, tables that grow, and TF-IDF."""

import numpy as np
import tensorflow as tf

texts = tf.constant(
    [
        "The quick brown fox -- jumps over 13 lazy dogs!",
        "  Straße und Café;  naïve façade, 3.14 or 42?",
        "",
        "don't re-use e-mail: a.b@c.org, see http://x.y/z",
        "the THE tHe fox fox",
        "日本語 と English mixed 🎉 text",
    ]
)
lower = tf.strings.lower(texts, encoding="utf-8")
clean = tf.strings.regex_replace(lower, r"https?://\S+|\S+@\S+", " <link> ")
clean = tf.strings.regex_replace(clean, r"\d+(\.\d+)?", "#")
clean = tf.strings.strip(tf.strings.regex_replace(clean, r"[^\p{L}#<>' ]+", " "))
tokens = tf.strings.split(clean)
print("RESULT clean", *[t.decode().replace(" ", "_") or "-" for t in clean.numpy()])
print(
    "RESULT counts",
    *tokens.row_lengths().numpy(),
    *tf.strings.length(texts).numpy(),
    *tf.strings.length(texts, "UTF8_CHAR").numpy(),
)
points = tf.strings.unicode_decode(texts, "UTF-8")
print(
    "RESULT points",
    *points.row_lengths().numpy(),
    int(tf.reduce_max(points.flat_values)),
    int(tf.reduce_sum(points)),
)
scripts = tf.strings.unicode_script(points)
print("RESULT scripts", *tf.unique(scripts.flat_values)[0].numpy())
upside = tf.strings.unicode_encode(tf.reverse(points[:5], [1]), "UTF-8")
print(
    "RESULT upside",
    upside.numpy()[4].decode(),
    tf.strings.unicode_transcode(upside, "UTF-8", "UTF-16-BE").numpy()[0][:6].hex(),
)
print("RESULT matches", *tf.strings.regex_full_match(clean, ".*fox.*").numpy())
hashed = tf.strings.to_hash_bucket_strong(tokens.values, 97, [3, 4])
print(
    "RESULT hashed",
    *hashed.numpy()[:8],
    *tf.strings.to_hash_bucket_fast(tokens.values, 50).numpy()[:8],
)

table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)


def learn(words):
    """Counts words in the table; words that are new begin at one."""
    unique, _, counts = tf.unique_with_counts(words)
    table.insert(unique, table.lookup(unique) + tf.cast(counts, tf.int64))
    return tf.size(unique)


print("RESULT learned", *[int(learn(row)) for row in tokens], int(table.size()))
keys, values = table.export()
order = np.lexsort((keys.numpy(), -values.numpy()))
print("RESULT most", *[f"{keys[k].numpy().decode()}:{int(values[k])}" for k in order[:4]])
vocabulary = tf.gather(keys, order)[:12]
index = tf.lookup.StaticVocabularyTable(
    tf.lookup.KeyValueTensorInitializer(vocabulary, tf.range(12, dtype=tf.int64)),
    2,
    experimental_is_anonymous=True,
)
ids = tf.ragged.map_flat_values(index.lookup, tokens)
print("RESULT ids", *ids.to_tensor(-1)[:, :6].numpy().ravel())

frequency = tf.math.bincount(ids, minlength=14, axis=-1)
frequency = tf.cast(frequency, tf.float32)
documents = tf.math.count_nonzero(frequency, 0, dtype=tf.float32)
weights = frequency * tf.math.log((1 + 6.0) / (1 + documents)) + frequency
unit = tf.math.divide_no_nan(weights, tf.norm(weights, axis=1, keepdims=True))
similar = tf.matmul(unit, unit, transpose_b=True)
print("RESULT similar", *similar.numpy()[0], *similar.numpy()[4])
grams = tf.strings.ngrams(tokens, [1, 2], pad_values=("<", ">"), padding_width=1, separator="+")
print("RESULT grams", *grams.row_lengths().numpy(), grams.flat_values[9].numpy().decode())


def merge(words, rounds):
    """Byte pair encoding: the most frequent pair of neighbours becomes one piece, round after round."""
    merged = tf.TensorArray(tf.string, rounds)
    for k in range(rounds):
        left, right = words[:, :-1], words[:, 1:]
        pairs = tf.strings.join([left.values, right.values], separator=" ")
        unique, _, counts = tf.unique_with_counts(pairs)
        best = unique[tf.argmax(counts)]
        merged = merged.write(k, best)
        spaced = tf.strings.reduce_join(words, axis=1, separator=" ")
        parts = tf.strings.split(best, " ")
        pattern = tf.strings.join(["(^| )", parts[0], " ", parts[1], "( |$)"])
        joined = tf.strings.regex_replace(
            spaced, pattern, tf.strings.join(["\\1", parts[0], parts[1], "\\2"])
        )
        words = tf.strings.split(joined, " ")
    return words, merged.stack()


letters = tf.strings.unicode_split(
    tf.constant(["lower", "lowest", "newer", "wider", "newest", "low", "slow"]), "UTF-8"
)
for rounds in (1, 4, 6):
    pieces, merges = merge(letters, rounds)
    print(
        "RESULT merged",
        *pieces.row_lengths().numpy(),
        *[m.decode().replace(" ", "+") for m in merges.numpy()],
    )

numbers = (
    tf.strings.to_number(["1.5", "-2e3", "0x10", "7"][:2]),
    tf.strings.to_number(["12", "-7"], tf.int64),
)
print("RESULT numbers", *numbers[0].numpy(), *numbers[1].numpy())
print(
    "RESULT shown",
    *[
        s.decode()
        for s in tf.strings.as_string([3.14159, -2.0], precision=2, width=8, fill="0").numpy()
    ],
    tf.strings.format("{} and {}", (tf.range(3), "x")).numpy().decode().replace(" ", ""),
)
print(
    "RESULT encoded",
    tf.io.encode_base64(texts[5]).numpy().decode()[:12],
    tf.io.decode_base64(tf.io.encode_base64(texts)).numpy()[0].decode()[:3],
)
print(
    "RESULT bytes",
    *tf.io.decode_raw(["abcd", "wxyz"], tf.uint16).numpy().ravel(),
    *tf.strings.bytes_split("ab").numpy().astype(str),
)
