"""Commands about models in files: a file each. In: a path and options; out: text, or other files."""
