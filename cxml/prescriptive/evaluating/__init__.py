"""What a policy is worth: valued from a log of decisions before it ships, measured against the holdout after."""
