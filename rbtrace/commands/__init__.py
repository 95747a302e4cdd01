"""The command line: one module per subcommand, found by its file name.

`rbtrace/commands/some_name.py` is the command `rbtrace some-name`. Its docstring's first line is
the help line, and its `command` is the click command. It is imported when it is called.
"""
