"""The migration from stop to start: run, watched, proved; its journal, and the way back."""
