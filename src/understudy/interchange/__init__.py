"""Import and export: objects as the API shows them, in files, to and from the store."""
