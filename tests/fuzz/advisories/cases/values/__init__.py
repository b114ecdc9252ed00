"""Operations of shapes, parts, strings, files and state."""
