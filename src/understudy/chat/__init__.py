"""One completion: judge the request, find the engine, adapt to what it can do, answer."""
