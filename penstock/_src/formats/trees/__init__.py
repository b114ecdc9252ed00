"""Files of ensembles of decision trees, as functions: `trees/` reads them."""
