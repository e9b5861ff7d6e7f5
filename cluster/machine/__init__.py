"""What Linux and pip say about this machine: memory, control groups, processor, installed packages."""
