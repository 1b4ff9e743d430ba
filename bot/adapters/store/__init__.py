"""What must outlive the process: SQLite by default, PostgreSQL as the extra `postgres`.

Every statement lives in a function over a synchronous `sqlalchemy.Connection` (`alerts`, `outbox`,
`reports`, `samples`), so one text serves both databases. A *runner* executes such functions, each
in one transaction: `sqlite` in a single worker thread, `postgres` on the event loop. `store` puts
them together as the ports; `open_store` there is the way in.
"""
