"""One Hamilton run, from a project and a pipeline to values."""
