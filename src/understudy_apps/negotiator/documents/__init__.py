"""The documents that the assistant reads: invented timetables and calendars, printed as PDF.

Knows nothing of assistants; the same document always has the same bytes.
"""
