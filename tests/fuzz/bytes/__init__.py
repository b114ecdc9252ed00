"""Coverage-guided damage to the bytes of everything that reads bytes, by atheris (libFuzzer).

    make fuzz WHICH=bytes MINUTES=10                     all targets, one after another
    make fuzz WHICH=bytes ONLY="csv_line stablehlo" MINUTES=2 some
    python -m tests.fuzz.bytes --only csv_line --keep   adds what is found, made smaller, to the corpus

A target reads its bytes, or raises an error of tf.errors or one that its format documents (tests/fuzz/files/judging.py), in bounded time
and memory; it neither dies nor hangs. Those of tests/fuzz/files are targets, too: there damage is blind, here it follows what new code
an input reaches.

targets.py      what reads bytes besides files: ops that decode, StableHLO, AutoGraph
programs.py     programs in Python from bytes, for AutoGraph
guided.py       hunts in targets, in child processes
packing.py      bytes as text
smaller.py      the shortest input with the same finding
__main__.py     reports
corpus.jsonl    what was found; test_bytes.py replays it
"""
