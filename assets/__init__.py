"""What exists and from what: thin Dagster assets and checks.

The contract of every asset here: read through the `site` resource, call one step, return counts. An asset of days takes
its days from `context.partition_keys`, works on exactly those, and gives the same when it is run twice. Metadata holds
counts, hashes and paths without names, never a pupil's value. Bad data never raises: it is quarantined and counted. No
arithmetic and no SQL here.

Each module is listed by name in `attendance_pipeline/definitions.py`.
"""

import warnings

import dagster as dg

# Ranges of days and observed versions are beta in Dagster 1.13 and chosen knowingly (docs/decisions/0006); the warning
# would come once for every asset at every start.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
