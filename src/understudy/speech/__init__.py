"""From text to audio, and from audio to text."""
