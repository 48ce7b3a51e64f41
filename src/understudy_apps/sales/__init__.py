"""A sales agent with its contacts and channels, on the public API alone."""
