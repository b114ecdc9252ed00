"""Plans as object code: launches and the table of the model as LLVM IR, kernels linked in. Read first: objects.py."""
