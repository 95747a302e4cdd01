"""Options of the interpreter, and other ways to start a program."""

import pathlib
import subprocess
import sys
import zipapp

CODE = """
import rbtrace
with rbtrace.span("in an archive"):
    print("in an archive", __name__, __file__.endswith("__main__.py"))
"""

source = pathlib.Path("source")
source.mkdir()
(source / "__main__.py").write_text(CODE)
zipapp.create_archive(source, "program.pyz")
subprocess.run([sys.executable, "program.pyz"], check=True)
pathlib.Path("program.pyz").unlink()  # it has the time at which it was made
