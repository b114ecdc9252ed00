"""Parts of ragged shapes: specs, layout by axes, and broadcasting."""
