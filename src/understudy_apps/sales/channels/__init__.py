"""Where visitors write: the web and Telegram."""
