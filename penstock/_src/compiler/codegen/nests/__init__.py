"""Loop nests as LLVM IR. Read first: nest.py, then evaluator.py; choice.py decides how the loops run."""
