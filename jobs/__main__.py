"""`python -m jobs`: the command line, for `ray job submit --working-dir . -- python -m jobs run ...`."""

from jobs.cli import main

if __name__ == "__main__":
    main()
