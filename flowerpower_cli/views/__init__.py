"""How things look: tables, JSON, progress."""
