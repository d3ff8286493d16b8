"""CSV files into contacts: read (bytes → records), mapping (columns → fields), rows (records → values),
copy (values → Postgres), run (the verbs)."""
