"""HTTP: each module parses, calls and renders for one noun of the API."""
