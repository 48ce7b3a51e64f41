"""What every route shares: the gate, bodies, answers, streams, errors. Knows no OpenAI noun."""
