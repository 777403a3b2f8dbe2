"""Keeps the schema index of databases fresh: reads what changed, embeds it, stores it through one narrow function."""
