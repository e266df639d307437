"""What happened: tables, features as of a moment, labels and indicators."""
