"""The way from an empty database to today's tables, one file a step, and the order of the steps."""

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision that this release knows, oldest first; a test compares it with `versions/`."""
