"""Responses and conversations: the second API over the log of threads."""
