"""One file a command, or a few of a kind."""
