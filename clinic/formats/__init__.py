"""How days and times are written, in each language of the pages (FORMAT_MODULE_PATH)."""
