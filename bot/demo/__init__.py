"""The outside world, simulated: the cloud and Slack.

Imports nothing of the bot, so it cannot cheat.
"""
