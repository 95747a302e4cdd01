"""Whether what is written in C can be compiled here."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

CAN_COMPILE = (
    sys.implementation.name == "cpython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
    and shutil.which("cc") is not None
    and Path(sysconfig.get_path("include"), "Python.h").exists()
)
