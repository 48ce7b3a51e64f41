"""Where tokens come from: one protocol, one module per kind of engine, and the registry."""
