"""The configuration file: YAML and environment to validated settings."""
