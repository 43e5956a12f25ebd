"""The register as statements: what each extract says of each date, and what all of them together say as at a time."""
