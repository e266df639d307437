"""Where predictions and recommendations go."""
