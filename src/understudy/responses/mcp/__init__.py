"""Tools of MCP servers over HTTP: whom we may reach, what a server lists, and calls of it."""
