"""A pipeline passed on to another project, as a folder or a zip."""
