"""Projects of the upstream tool of this name (PyPI: `flowerpower` 0.11 to 0.37) as ours."""
