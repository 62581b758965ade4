"""python -m emotion.ml: the commands that need more than a few lines, one a file."""
