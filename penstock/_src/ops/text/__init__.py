"""Ops of tensorflow-text: tokenizers and what prepares texts for models, on the host.

    characters/      strings as characters: normalization, scripts, white space, regular expressions
    pieces/          words and texts as pieces of a vocabulary: WordPiece, BERT's normalization, phrases
    sentencepiece/   models of SentencePiece
    models/          models in bytes, which cut texts
    sequences/       n-grams, trimming, ROUGE-L, constrained sequences, spanning trees

In: ragged strings as values and row splits. Out: pieces or ids, with row splits and, where an op names them, offsets in bytes.
The functions that users call are in `penstock/_src/text`.
"""
