"""Jobs, schedules and runs as data."""
