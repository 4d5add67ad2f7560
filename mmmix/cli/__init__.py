"""What the tools share: arguments, configs, processes, progress."""
