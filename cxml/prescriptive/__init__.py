"""What to do: actions, for whom, within which limits, worth how much."""
