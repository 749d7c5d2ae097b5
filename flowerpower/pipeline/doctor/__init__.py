"""The doctor: whether a project, its job queue and their surroundings are as they should be."""
