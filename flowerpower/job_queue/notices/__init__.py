"""Notices: who is told of what, planning them from events, and sending them."""
