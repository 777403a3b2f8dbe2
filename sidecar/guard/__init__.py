"""First line of defence: exactly one SELECT inside the given scope, re-rendered from its syntax tree."""
