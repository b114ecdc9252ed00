"""Ops of tensorflow-text: expected values are what tensorflow-text 2.21.1 gives, unless a comment says otherwise."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import registry
from penstock._src.ops.text.models import double_array, flatbuffer, normalizer, wordpiece
from penstock._src.ops.text.sequences.sentences import fragments
from penstock._src.ops.text.sequences.trees import best_sources

VOCAB = ["a", "b", "##b", "[UNK]", "the", "##y", "abc", "!", "字", "#", "##", "##c", "é"]


def strings(tensor):
    return tensor.numpy().tolist()


@pytest.mark.parametrize(
    ("text", "tokens", "starts"),
    [
        ("a  b ", [b"a", b"b"], [0, 3]),
        (b"a \xff\xfe b", [b"a", b"\xff\xfe", b"b"], [0, 2, 5]),
        # The end of a token before white space of several bytes is theirs.
        ("x\u3000y", [b"x\xe3\x80", b"y"], [0, 4]),
        ("", [], []),
    ],
)
def test_white_space_cuts(text, tokens, starts):
    found = tf.text.WhitespaceTokenizer().tokenize_with_offsets([text])
    assert found[0].to_list() == [tokens] and found[1].to_list() == [starts]


def test_scripts_cut_and_spaces_between_digits_do_not():
    tokens, starts, ends = tf.text.UnicodeScriptTokenizer().tokenize_with_offsets(
        ["ab.e\u0301 1 2"]
    )
    assert tokens.to_list() == [[b"ab", b".", b"e", b"\xcc\x81", b"12"]]
    assert starts.to_list() == [[0, 2, 3, 4, 7]] and ends.to_list() == [[2, 3, 4, 6, 10]]


def test_pieces_of_texts_with_a_model():
    tokenizer = tf.text.FastWordpieceTokenizer(VOCAB, token_out_type=tf.string)
    pieces, starts, ends = tokenizer.tokenize_with_offsets(["they a!b字b?", "abcabc", "##b", ""])
    assert pieces.to_list() == [
        [b"the", b"##y", b"a", b"!", b"b", "字".encode(), b"b", b"[UNK]"],
        [b"[UNK]"],
        [b"#", b"#", b"b"],
        [],
    ]
    assert starts.to_list()[0] == [0, 3, 5, 6, 7, 8, 11, 12] and ends.to_list()[0][-1] == 13


def test_a_model_without_texts_does_not_detokenize():
    with pytest.raises(tf.errors.FailedPreconditionError, match="support_detokenization"):
        tf.text.FastWordpieceTokenizer(VOCAB).detokenize([[0]])


@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        (["a"], "Cannot find unk_token"),
        (["a", "a", "[UNK]"], "must be unique"),
        (["[UNK]", "x" * 300], "exceeds the max"),
    ],
)
def test_vocabularies_that_are_refused(vocab, message):
    with pytest.raises(RuntimeError, match=message):
        tf.text.FastWordpieceTokenizer(vocab)


def test_damaged_models_are_refused():
    model = wordpiece.build_model(VOCAB, 100, "##", "[UNK]", False, True)
    run = registry.raw.FastWordpieceTokenizeWithOffsets
    for data in (b"", b"\1\2\3", model[:40], b"\xff" * 64):
        with pytest.raises(tf.errors.DataLossError, match="FastWordpieceTokenizer"):
            run(input_values=["a"], wp_model=np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    ("options", "pieces", "ends"),
    [
        ({}, [[b"the", b"##y"], [b"[UNK]"]], [[3, 4], [3]]),
        ({"max_bytes_per_word": 3}, [[b"[UNK]"], [b"[UNK]"]], [[5], [3]]),
        ({"unknown_token": None}, [[b"the", b"##y"], [b"\xc3\xa9x"]], [[3, 4], [3]]),
        (
            {"split_unknown_characters": True},
            [[b"the", b"##y"], [b"\xc3\xa9", b"##[UNK]"]],
            [[3, 4], [2, 3]],
        ),
    ],
)
def test_pieces_of_words_with_a_table(options, pieces, ends):
    init = tf.lookup.KeyValueTensorInitializer(VOCAB, tf.range(len(VOCAB), dtype=tf.int64))
    table = tf.lookup.StaticVocabularyTable(init, num_oov_buckets=1)
    tokenizer = tf.text.WordpieceTokenizer(table, token_out_type=tf.string, **options)
    found = tokenizer.tokenize_with_offsets(["they", "éx"])
    assert found[0].to_list() == pieces and found[2].to_list() == ends


def test_bert_normalizes_and_knows_where_bytes_come_from():
    texts, offsets = tf.text.FastBertNormalizer(True).normalize_with_offsets(
        ["AÉﬁx\u0301 \x00字\u200d", b"a\xffB"]
    )
    assert strings(texts) == ["aefix  字".encode(), b"a\xffb"]
    assert offsets.to_list() == [[0, 1, 3, 3, 6, 9, 10, 11, 12, 13, 17], [0, 1, 2, 3]]


def test_the_normalizer_changes_what_unicode_says():
    model = normalizer.read(normalizer.build_model(False))
    assert {model.new(ord(c)) for c in "\0\n\u200d"} == {b" "}
    assert {model.new(ord(c)) for c in "aÉ字 "} == {None}


@pytest.mark.parametrize(
    ("form", "text", "made", "sources"),
    [
        ("NFKC", "①x", b"1x", [0, 3, 4]),
        ("NFD", "éa", b"e\xcc\x81a", [0, 2, 2, 2, 3]),
        ("NFC", "A\u0327\u030a", b"\xc3\x85\xcc\xa7", [0, 5, 5, 5, 5]),
    ],
)
def test_offsets_through_normalization(form, text, made, sources):
    found, maps = tf.text.normalize_utf8_with_offsets_map([text], form)
    assert strings(found) == [made]
    offsets = tf.text.find_source_offsets(maps, [list(range(len(made) + 1))])
    assert offsets.numpy().tolist() == [sources]


def test_case_folds_and_malformed_bytes_stay():
    assert strings(tf.text.case_fold_utf8(["Straße ﬁ \u00ad", b"A\xffB"])) == [
        b"strasse fi ",
        b"a\xffb",
    ]


@pytest.mark.parametrize(
    ("pattern", "keep", "parts"),
    [
        (r"\s+", r"\s", [b"a", b" ", b"bXXc"]),
        ("X+", "XX", [b"a b", b"XX", b"c"]),
        (r"X|\s", "X", [b"a", b"b", b"X", b"X", b"c"]),
    ],
)
def test_expressions_cut(pattern, keep, parts):
    assert tf.text.regex_split(["a bXXc"], pattern, keep).to_list() == [parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hello (yo!). Bye", [(0, 11, 5, 9), (11, 12, 1, 11), (13, 16, 0, -1)]),
        ("the U.S. a", [(0, 8, 3, 4), (9, 10, 0, -1)]),
        ("x .... b", [(0, 6, 3, 3), (7, 8, 0, -1)]),
        ("ok :).) no", [(0, 7, 7, 3), (8, 10, 0, -1)]),
        ("  ", []),
    ],
)
def test_sentences_end(text, parts):
    assert fragments(text) == parts


def test_tries_find_what_they_were_built_of():
    random = np.random.RandomState(0)
    words = {bytes(random.randint(1, 256, random.randint(1, 5)).tolist()): n for n in range(500)}
    trie = double_array.Trie(double_array.build(words))
    assert dict(trie.items()) == words
    for _ in range(2000):
        word = bytes(random.randint(1, 256, random.randint(1, 4)).tolist())
        node = trie.walk(word)
        assert (trie.value(node) if node >= 0 else -1) == words.get(word, -1)


def test_tables_read_what_was_written():
    numbers = np.arange(4, dtype=np.uint32)
    table = flatbuffer.Table(
        flatbuffer.write([True, None, 5, b"abc", [b"x", b""], numbers, (b"in",)]), "a table"
    )
    assert table.scalar(0, form="<B") == 1 and table.scalar(1, 9) == 9 and table.scalar(2) == 5
    assert table.string(3) == b"abc" and table.strings(4) == [b"x", b""]
    assert table.array(5, np.uint32).tolist() == [0, 1, 2, 3] and table.table(6).string(0) == b"in"


def test_trees_are_the_best_of_all():
    random = np.random.RandomState(1)
    for _ in range(20):
        scores = random.randn(4, 4)
        found = best_sources(scores)
        total = scores[np.arange(1, 4), found[1:]].sum()
        ways = np.array(np.meshgrid(*[range(4)] * 3)).reshape(3, -1).T
        assert total == pytest.approx(
            max(scores[np.arange(1, 4), w].sum() for w in ways if _is_tree(w))
        )


def _is_tree(sources):
    for node in range(1, 4):
        at = node
        for _ in range(4):
            at = sources[at - 1] if at else 0
        if at:
            return False
    return True
