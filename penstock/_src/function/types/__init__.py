"""Types of arguments and functions, the content of `function_type` of a traced function."""
