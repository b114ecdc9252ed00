"""What tests share: `op_case.check` holds one op against all that Penstock says of it."""
