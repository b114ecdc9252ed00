"""SentencePiece's steps over many strings: normalizing by rules, cutting by scores (unigram) or by merges (BPE)."""
