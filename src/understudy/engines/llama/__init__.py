"""The local engine: GGUF models, run by llama.cpp in child processes."""
