"""dumptask-bot: watches Kafka dumping tasks and tells people, once, when one stalls."""
