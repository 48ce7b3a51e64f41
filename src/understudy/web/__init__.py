"""What people see in a browser: the first page, and applications in the same process."""
