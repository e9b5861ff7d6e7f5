"""Interprets exceptions in trials: a one-line summary, and whether another attempt could end differently."""

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
    """Returns the type of error and the first line of its message, without the traceback that MXNet puts before it."""
    lines = [line for line in str(err).splitlines() if line.strip()]
    messages = [line for line in lines if not line.startswith(("Traceback", " "))] or lines or ["no message"]
    kind = type(err).__name__
    return f"{kind}: {messages[0].strip().removeprefix(f'{kind}: ')}"


def is_permanent(err: Exception) -> bool:
    """Returns whether a trial would raise this error again, given that it is a pure function of its spec and the data.

    Running out of memory, an unreadable file or a failing device may be temporary; a wrong shape or value is not. MXNet
    reports a wrong shape only in the message.
    """
    return isinstance(err, _PERMANENT_ERRORS) or (
        type(err).__name__ == "MXNetError" and "Error in operator" in str(err)
    )


def is_out_of_memory(err: BaseException) -> bool:
    """Returns whether this error, or one that was being handled when it was raised, means that memory ran out."""
    message = str(err).lower()
    if isinstance(err, MemoryError) or any(words in message for words in _OUT_OF_MEMORY_WORDS):
        return True
    return err.__context__ is not None and is_out_of_memory(err.__context__)
