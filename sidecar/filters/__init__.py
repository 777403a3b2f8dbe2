"""Standing conditions of tables: what one may be, whose rows a question speaks of, how a statement gets it."""
