"""From files to passages: parsing, chunking, searching and citing. Knows nothing of HTTP."""
