"""Messages: claimed, gathered, sent, recorded; each step one statement over the whole batch."""
