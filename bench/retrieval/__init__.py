"""Whether search finds the right page of documents that this package makes, and how fast."""
