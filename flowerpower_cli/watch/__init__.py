"""`job-queue watch`: what happens in a queue, live on a terminal or as a line for each event."""
