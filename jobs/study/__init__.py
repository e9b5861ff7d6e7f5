"""What the commands do: runs, resumes, finishes and reproduces studies. Draws nothing."""
