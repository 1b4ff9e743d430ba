"""The command line: arguments to exit codes.

0 success (warnings too); 1 what was asked about is not well; 2 a bad command line or
configuration; 3 the outside failed. What a person did wrong is told in one line each on standard
error, never as a traceback.
"""

from bot.cli.main import main

__all__ = ["main"]
