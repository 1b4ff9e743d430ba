"""One file per revision, oldest number first."""
