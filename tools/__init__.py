"""Set-up and demo tools. Standard library only: they run before anything is installed."""
