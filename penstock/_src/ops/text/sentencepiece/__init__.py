"""SentencePiece: model files, and the ops over them.

`model.py` reads a file, whose messages are in `messages.py`; `normalizing.py` normalizes texts by the rules in it; `segmenting.py` cuts them by scores (unigram) or merges (BPE), and `drawing.py` gives several ways of cutting
or draws one; `processor.py` puts these together; `ops.py` has the ops.

References: Kudo and Richardson, SentencePiece, 2018; Kudo, Subword Regularization, 2018; Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016;
Provilkov et al., BPE-Dropout, 2020.
"""
