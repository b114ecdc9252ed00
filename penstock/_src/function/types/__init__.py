"""Types of arguments and functions: what `function_type` of a traced function says."""
