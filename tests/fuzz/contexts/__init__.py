"""Random functions of rows, computed wherever rows are computed together."""
