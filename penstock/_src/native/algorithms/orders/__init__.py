"""Orders of whole numbers: shuffles, and unions of ascending vectors."""
