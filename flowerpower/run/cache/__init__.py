"""Hamilton's cache, with fingerprints of our own."""
