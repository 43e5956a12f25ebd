"""Runs the migrations in the transaction that `Warehouse.upgrade` has opened; there is no other way in."""

from alembic import context

from attendance_pipeline.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
