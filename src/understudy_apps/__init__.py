"""What authors of applications need beside the openai package, and applications built on both.

Knows nothing of the server: everything here speaks the public API, so any server of it will do.
"""
