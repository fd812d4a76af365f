"""Tiebreak: make preference data from prompts, pairs, annotators and judges."""
