"""An installation that is broken."""

raise ImportError("cannot import name: this installation is broken")
