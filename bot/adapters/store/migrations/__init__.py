"""Alembic's room: `env.py` runs the migrations, `versions/` holds them, one file per revision.

A new revision is written by hand: a new file in `versions/`, its number in `schema.HEAD`, and the
tables in `schema`. The tests compare what the migrations make with what `schema` says, on both
databases, and name each difference.
"""
