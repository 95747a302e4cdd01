"""The files that recording writes and analysis reads."""
