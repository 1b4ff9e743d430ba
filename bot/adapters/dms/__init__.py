"""The cloud's API: signing, the shape of its answers, the client."""
