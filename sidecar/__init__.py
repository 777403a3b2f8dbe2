"""The service beside PostgreSQL: context in, checked SQL candidates out. It keeps nothing between requests."""
