"""The migration from stop to start: its journal, and the way back."""
