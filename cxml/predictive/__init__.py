"""What will happen: NPS class, renewal risk, health and reasons, and the bundle that carries them."""
