"""Workers and the interface to them: events, the pool protocol, one worker, and the pool in this process."""
