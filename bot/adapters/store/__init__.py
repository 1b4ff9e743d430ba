"""State on disk: tables, migrations, and the transactions over them."""
