"""What executes the nodes of a run: this process, threads, other processes, clusters."""
