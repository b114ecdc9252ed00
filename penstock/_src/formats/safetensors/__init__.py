"""safetensors: a header in JSON, then the bytes of tensors; single, or the shards of a Hugging Face folder. In: mapped files; out: `Weights`, and back.

`file.py` has one file, `folder.py` a folder with its `config.json`.
"""
