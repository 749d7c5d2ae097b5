"""Files that run a project's workers and schedulers as services: `flowerpower service print`."""
