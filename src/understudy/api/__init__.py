"""HTTP only: parse, call, render. One module per OpenAI noun; no SQL and no decisions."""
