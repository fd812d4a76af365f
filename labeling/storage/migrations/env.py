"""Alembic's entry: it works on the connection it is given, inside the transaction that holds the lock."""

from alembic import context

from labeling.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
