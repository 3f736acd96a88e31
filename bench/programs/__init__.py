"""Small programs that are measured, each in a process of its own: `python -m bench.programs.NAME`."""
