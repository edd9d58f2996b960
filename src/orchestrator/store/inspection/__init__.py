"""Looking without touching: all that is known of one customer, and what does not add up."""
