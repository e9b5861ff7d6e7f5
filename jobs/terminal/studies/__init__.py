"""What people see of studies that other processes run: lists of them, and one that is watched."""
