"""What reading files costs a server: speed, memory, and what a chat beside it notices."""
