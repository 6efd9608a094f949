"""What models/evaluate.py is made of."""
