"""Sample stacks while tracing, and write them to profile files."""
