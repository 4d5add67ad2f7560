"""What the papers measure on checkpoints."""
