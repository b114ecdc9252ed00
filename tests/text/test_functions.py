"""Functions of tensorflow-text over shapes, in functions and datasets; expected values are tensorflow-text's."""

import collections

import numpy as np
import pytest

import penstock as tf
from penstock._src.text.model_inputs.selectors import NothingSelector
from penstock._src.text.spans.bitmask import create_feature_bitmask
from penstock._src.text.tokenizers.bert import AccentPreservingBasicTokenizer, BasicTokenizer
from penstock._src.text.vocabulary import learning

VOCAB = ["[UNK]", "the", "##y", "!", "a"]


def ragged(*rows):
    return tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)


def bert(**options):
    init = tf.lookup.KeyValueTensorInitializer(VOCAB, tf.range(len(VOCAB), dtype=tf.int64))
    return tf.text.BertTokenizer(
        tf.lookup.StaticVocabularyTable(init, num_oov_buckets=1), lower_case=True, **options
    )


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("a b", [b"a", b"b"]),
        (["a b", ""], [[b"a", b"b"], []]),
        ([["a"], ["b c"]], [[[b"a"]], [[b"b", b"c"]]]),
        (tf.ragged.constant([["a b"], []]), [[[b"a", b"b"]], []]),
    ],
)
def test_tokens_have_the_shape_of_the_input_and_one_more(value, tokens):
    found = tf.text.WhitespaceTokenizer().tokenize(value)
    assert (
        found.to_list() if isinstance(found, tf.RaggedTensor) else found.numpy().tolist()
    ) == tokens


def test_bert_cuts_words_and_pieces():
    pieces, starts, ends = bert(token_out_type=tf.string).tokenize_with_offsets(["They!  á"])
    assert pieces.to_list() == [[[b"the", b"##y"], [b"!"], [b"a"]]]
    assert starts.to_list() == [[[0, 3], [4], [7]]] and ends.to_list() == [[[3, 4], [5], [8]]]
    assert bert().detokenize([[1, 2, 4]]).to_list() == [[b"they", b"a"]]


def test_unused_tokens_stay_whole():
    tokenizer = BasicTokenizer(preserve_unused_token=True)
    assert tokenizer.tokenize(["a[unused12]b"]).to_list() == [[b"a", b"[unused12]", b"b"]]


def test_tokenizers_are_traced_and_map_datasets():
    tokenizer = tf.text.FastBertTokenizer(VOCAB, lower_case_nfd_strip_accents=True)
    traced = tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    assert traced(["They!", "a"]).to_list() == [[1, 2, 3], [4]]
    dataset = tf.data.Dataset.from_tensor_slices(["They!", "a"]).batch(2).map(tokenizer.tokenize)
    assert next(iter(dataset)).to_list() == [[1, 2, 3], [4]]


def test_trimmers_share_a_bound():
    segments = [ragged([1, 2, 3], [1]), ragged([4, 5], [6, 7, 8])]
    for trimmer, expected in (
        (tf.text.WaterfallTrimmer(4), [[[1, 2, 3], [1]], [[4], [6, 7, 8]]]),
        (tf.text.RoundRobinTrimmer(3), [[[1, 2], [1]], [[4], [6, 7]]]),
        (tf.text.ShrinkLongestTrimmer(3), [[[1], [1]], [[4, 5], [6, 7]]]),
    ):
        assert [s.to_list() for s in trimmer.trim(segments)] == expected


def test_round_robin_along_an_outer_axis():
    segments = [tf.ragged.constant([[[1, 2], [3]], [[4]]]), tf.ragged.constant([[[5]], [[6], [7]]])]
    trimmed = tf.text.RoundRobinTrimmer(2, axis=1).trim(segments)
    assert [s.to_list() for s in trimmed] == [[[[1, 2]], [[4]]], [[[5]], [[6]]]]


def test_segments_are_numbered():
    ids, numbers = tf.text.combine_segments([ragged([5, 6]), ragged([7])], 1, 2)
    assert ids.to_list() == [[1, 5, 6, 2, 7, 2]] and numbers.to_list() == [[0, 0, 0, 0, 1, 1]]


def test_selected_items_are_masked():
    chooser = tf.text.MaskValuesChooser(100, 99, mask_token_rate=1.0, random_token_rate=0.0)
    made, places, before = tf.text.mask_language_model(
        ragged([1, 7, 2], [7, 3]), tf.text.LastNItemSelector(1, [2]), chooser
    )
    assert made.to_list() == [[1, 99, 2], [7, 99]]
    assert places.to_list() == [[1], [1]] and before.to_list() == [[7], [3]]


def test_random_items_are_selected_at_a_rate():
    mask = tf.text.RandomItemSelector(10, 0.5, [9]).get_selection_mask(
        ragged([1, 2, 3, 4, 9], [9, 9]), axis=1
    )
    first, second = mask.to_list()
    assert sum(first) == 2 and not first[4] and second == [False, False]


def test_padding_along_dimensions():
    data = ragged([1, 2], [3])
    assert tf.text.pad_along_dimension(data, 1, [8], [9, 9]).to_list() == [
        [8, 1, 2, 9, 9],
        [8, 3, 9, 9],
    ]
    assert tf.text.pad_along_dimension([[1], [2]], 0, [[7]]).numpy().tolist() == [[7], [1], [2]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="axis"):
        tf.text.pad_along_dimension(data, 2, [1])


def test_spans_are_aligned():
    spans = ragged([0, 4]), ragged([3, 8]), ragged([0, 5]), ragged([3, 7])
    assert tf.text.span_alignment(*spans).to_list() == [[0, -1]]
    assert tf.text.span_alignment(*spans, contains=True).to_list() == [[0, 1]]
    assert tf.text.span_alignment(*spans, contains=True, multivalent_result=True).to_list() == [
        [[0], [1]]
    ]


@pytest.mark.parametrize(
    ("begin", "end", "strict", "tags"),
    [
        (0, 13, False, ["B-x", "I-x", "E-x"]),
        (4, 9, False, ["O", "I-x", "O"]),
        (0, 2, False, ["E-x", "O", "O"]),
        (5, 8, True, ["O", "S-x", "O"]),
        (6, 12, True, ["O", "O", "O"]),
    ],
)
def test_spans_as_tags(begin, end, strict, tags):
    found = tf.text.offsets_to_boise_tags([0, 5, 10], [3, 8, 13], [begin], [end], ["x"], strict)
    assert [tag.decode() for tag in found.numpy()] == tags


def test_unfinished_tags_end_where_others_begin():
    begins, ends, kinds = tf.text.boise_tags_to_offsets(
        [0, 4, 8, 12], [3, 7, 11, 16], ["B-x", "O", "E-y", "B-x"]
    )
    assert begins.numpy().tolist() == [0, 8, 12] and ends.numpy().tolist() == [3, 11, 16]
    assert kinds.numpy().tolist() == [b"x", b"y", b"x"]


def test_sequences_keep_to_what_is_allowed():
    scores = np.array([[[10, 12, 6, 4], [13, 12, 11, 10]]], np.float32)
    allowed = np.ones((5, 5), bool)
    allowed[4, 1] = False
    for find in (tf.text.viterbi_constrained_sequence, tf.text.greedy_constrained_sequence):
        options = dict(use_start_and_end_states=True)
        assert find(scores, allowed_transitions=allowed, **options).to_list() == [[0, 0]]
        assert find(scores, allowed_transitions=np.zeros((5, 5), bool), **options).to_list() == [
            [-1, -1]
        ]
        assert find(scores, **options).to_list() == [[1, 0]]


def test_the_gradient_of_a_tree_goes_to_its_arcs():
    scores = tf.constant([[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total, sources = tf.text.max_spanning_tree([3], scores)
    assert total.numpy().tolist() == [18] and sources.numpy().tolist() == [[2, 2, 2]]
    assert tape.gradient(total, scores).numpy().tolist() == [[[0, 0, 1]] * 3]


def test_rouge_weights():
    texts = tf.ragged.constant([["a", "b", "c"], []]), tf.ragged.constant([["a", "c"], ["b"]])
    for alpha, expected in ((None, 0.8), (0.3, 0.86956525), (-1.0, 0.7428571)):
        f, p, r = tf.text.metrics.rouge_l(*texts, alpha)
        assert (
            f.numpy() == pytest.approx([expected, 0])
            and p.numpy() == pytest.approx([2 / 3, 0])
            and r.numpy()[0] == 1
        )


def test_phrases_are_the_longest():
    tokenizer = tf.text.PhraseTokenizer(
        ["<UNK>", "I", "have", "a dream", "I have a", "!", "don", "'t", "dream"],
        split_end_punctuation=True,
    )
    assert tokenizer.tokenize(["I have a dream!", "I don't have a dream"]).to_list() == [
        [4, 8, 5],
        [1, 6, 7, 2, 3],
    ]
    assert tokenizer.detokenize([[1, 6, 7, 2, 3, 5]]).numpy().tolist() == [b"I don't have a dream!"]


def test_vocabularies_come_from_counts():
    counts = collections.Counter({"play": 40, "played": 30, "player": 20, "a": 5})
    vocab = learning.learn(counts, 30, ["[UNK]"], lower_thresh=2)
    words = ["play", "played", "player"]
    assert vocab == ["[UNK]", *"adelpry", *words, *(f"##{letter}" for letter in "adelpry")]


def test_windows_are_joined():
    data = tf.ragged.constant([["a", "b", "c"], ["d"]])
    assert tf.text.ngrams(data, 2, reduction_type=tf.text.Reduction.STRING_JOIN).to_list() == [
        [b"a b", b"b c"],
        [],
    ]
    assert tf.text.ngrams([1, 2, 3], 2, reduction_type=tf.text.Reduction.SUM).numpy().tolist() == [
        3,
        5,
    ]


def test_shapes_of_words():
    shapes = [
        tf.text.WordShape.IS_EMOTICON,
        tf.text.WordShape.HAS_EMOJI,
        tf.text.WordShape.IS_ACRONYM_WITH_PERIODS,
    ]
    found = tf.text.wordshape([":-)", "ab\U0001f600", "U.S.", "x"], shapes).numpy().tolist()
    assert found == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]


def test_accents_stay_where_they_are_asked_to():
    tokenizer = AccentPreservingBasicTokenizer(lower_case=True)
    assert tokenizer.tokenize(["Élan vital"]).to_list() == [["élan".encode(), b"vital"]]


def test_bools_are_bits():
    assert create_feature_bitmask([[True, False, True], [False, True, True]]).numpy().tolist() == [
        5,
        3,
    ]
    with pytest.raises(ValueError, match="too large"):
        create_feature_bitmask([[True] * 9], tf.uint8)


def test_nothing_is_selected():
    assert NothingSelector().get_selectable(ragged([1, 2], [3]), axis=1).to_list() == [
        [False, False],
        [False],
    ]
