"""What each page shows, read from the queue; and which page an address means."""
