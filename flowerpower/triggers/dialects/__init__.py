"""What expressions of other schedulers mean: each dialect as its program reads it."""
