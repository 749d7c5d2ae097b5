"""What YAML files, the environment and callers may say, and which of them wins."""
