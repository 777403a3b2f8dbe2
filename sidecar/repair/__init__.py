"""What of a statement can't bind, and the one way to put it right: rules on the syntax tree, no model, no data."""
