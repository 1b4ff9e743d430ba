"""HTTP for people and machines: health, metrics, JSON, the status page."""
