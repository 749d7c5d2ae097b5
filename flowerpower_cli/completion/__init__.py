"""Static completion scripts for four shells, and the names that they look up at a press of Tab."""
