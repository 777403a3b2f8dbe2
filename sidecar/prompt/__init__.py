"""From context to messages: pure functions over template files, one folder a model family."""
