"""Processes in which speech is made and heard, since native libraries can abort theirs."""
