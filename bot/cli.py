"""The command line: arguments to exit codes."""


def main() -> int:
    """Runs the command line."""
    return 0
