"""What ragged shapes are made of: their types, their layout by axes, and how they broadcast."""
