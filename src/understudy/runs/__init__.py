"""Threads and the runs on them: one resumable turn engine over one conversation log."""
