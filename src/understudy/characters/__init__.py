"""Characters and their instances: personas, what they remember, and the cards they come on."""
