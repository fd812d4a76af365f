"""The pages: one script each, run by `labeling/ui/main.py`."""
