"""Files on disk: how they are written, and whose they are."""
