"""Hamilton's lifecycle adapters, from configuration."""
