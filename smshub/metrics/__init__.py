"""How things stand, in figures: bounded readings, the exposition of them at `/metrics`. Used by the doctor as well."""
