"""What stands beside a built model: headers, test programs, packages for C, JavaScript and Python. `files/` has what is the same for all models."""
