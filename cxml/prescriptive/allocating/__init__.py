"""What everybody gets where limits hold over all: prices of the limits, repair, exact optima, days."""
