"""Brings a shop's existing customers back, and knows what it caused."""
