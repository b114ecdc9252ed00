"""Operations that compute numbers."""
