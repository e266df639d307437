"""What each action changes: its effect against doing nothing, learnt from the log of an experiment."""
