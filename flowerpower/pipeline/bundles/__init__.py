"""A pipeline handed on to another project, as a folder or a zip."""
