"""A generated shop on a virtual clock: the same engine, customers whose answers are known."""
