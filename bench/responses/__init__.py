"""What responses cost, beside chat completions on the same server."""
