"""Prefect flows: one file a button or a schedule, each a thin cover over one use case."""
