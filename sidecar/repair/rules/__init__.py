"""One rule a module: `mend(statement, problem)` changes the tree and says what it did, or changes nothing."""
