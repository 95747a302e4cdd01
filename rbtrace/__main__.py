"""`python -m rbtrace` is the command `rbtrace`."""

from rbtrace.commands.main import main

if __name__ == "__main__":
    main()
