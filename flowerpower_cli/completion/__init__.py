"""Static completion scripts for four shells, and the names they ask for while somebody types."""
