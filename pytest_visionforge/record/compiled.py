"""Templates, compiled once: kept as Python keeps its own compiled files, beside the sources where it may write."""

from __future__ import annotations

import pickle
import sys
from contextlib import suppress
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

from pytest_visionforge.version import VERSION


class Compiled(FileSystemBytecodeCache):
    """The compiled templates of one directory; one whose source, or whose version, is another is compiled anew."""

    def __init__(self, directory: Path) -> None:
        super().__init__(str(directory / "__pycache__"), f"%s.{VERSION}.jinja")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Takes what was kept; what cannot be read is compiled anew."""
        try:
            super().load_bytecode(bucket)
        except (OSError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps a compiled template, if compiled files are wanted and may be written."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)
