"""Runs the command line as `python -m bot`."""
