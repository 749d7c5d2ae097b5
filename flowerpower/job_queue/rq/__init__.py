"""The RQ backend: jobs in Redis, for many workers on many machines."""
