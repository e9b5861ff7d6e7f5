"""What is shown of the best models of a study once it has ended; computed with MXNet."""
