"""A report as a PDF. Typst (its PyPI wheel is the whole compiler) sets it; the text reaches it as data only."""
