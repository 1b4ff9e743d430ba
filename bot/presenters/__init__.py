"""Values to words: pure; plain text for terminals, blocks within the limits of Slack."""
