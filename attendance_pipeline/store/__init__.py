"""The warehouse: tables, migrations and the few verbs that touch them.

All SQL of the project is in this package. Other packages call its verbs with a connection that `Warehouse.begin()` or
`Warehouse.read()` gave them, so that whoever opens the transaction decides what stands or falls together.
"""
