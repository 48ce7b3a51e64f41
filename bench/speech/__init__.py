"""What speech costs: time to the first byte, real-time factor, streams at once, memory."""
