"""The accuracy harness: questions with known answers, asked through nl2sql.ask(). See docs/accuracy.md."""
