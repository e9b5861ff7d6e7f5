"""What an exception in a trial means: its one-line summary, and whether another attempt could end differently."""

from mnist_core.errors import InputError

_PERMANENT_ERRORS = (
    InputError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
)
_OUT_OF_MEMORY_WORDS = ("out of memory", "bad_alloc", "failed to allocate")


def summarize_error(err: Exception) -> str:
    """Returns the kind of error and the first line of its message, skipping the traceback that MXNet puts before it."""
    lines = [line for line in str(err).splitlines() if line.strip()]
    messages = [line for line in lines if not line.startswith(("Traceback", " "))] or lines or ["no message"]
    kind = type(err).__name__
    return f"{kind}: {messages[0].strip().removeprefix(f'{kind}: ')}"


def is_permanent(err: Exception) -> bool:
    """Whether a trial would raise this error again, being a pure function of its spec and the data.

    Running out of memory, an unreadable file or a failing device may pass; a wrong shape or value will not. MXNet
    reports a wrong shape by its message only.
    """
    return isinstance(err, _PERMANENT_ERRORS) or (
        type(err).__name__ == "MXNetError" and "Error in operator" in str(err)
    )


def is_out_of_memory(err: BaseException) -> bool:
    """Whether memory ran out, here or before another error was raised while this one was handled."""
    message = str(err).lower()
    if isinstance(err, MemoryError) or any(words in message for words in _OUT_OF_MEMORY_WORDS):
        return True
    return err.__context__ is not None and is_out_of_memory(err.__context__)
