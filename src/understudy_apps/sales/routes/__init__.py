"""The routes of the operator's pages and of the widget: parse, call, answer."""
