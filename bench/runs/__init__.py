"""What runs of assistants cost: time to the first token, runs a second, streams at once."""
