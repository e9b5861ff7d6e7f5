"""What Linux and pip know about this machine: memory, cgroups, processor, installed packages."""
