"""A project at a URL as a folder of this machine: fetched once per version, read only, and kept.

`source.py` is what others use; fsspec is imported by `listing.py` alone.
"""
