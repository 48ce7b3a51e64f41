"""Measures Understudy beside nginx and a direct connection. Not a test: nothing is asserted."""
