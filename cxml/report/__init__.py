"""What people read: the summary of a batch, and pictures."""
