"""One Hamilton run, from a project and a pipeline to values."""

from flowerpower.run.import_patches import install

# Here, because every module of this folder may be the first to import Hamilton.
install()
