"""Files beside a built model: headers, test programs, packages for C, JavaScript and Python. `files/` has those that are the same for all models."""
