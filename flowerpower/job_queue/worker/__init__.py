"""A worker of any backend, and the processes in which its jobs run."""
