"""What the local engine costs beside llama.cpp asked directly, and beside other engines."""
