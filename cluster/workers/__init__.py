"""Workers and the seam to them: events, the pool protocol, one worker, and the pool in this process."""
