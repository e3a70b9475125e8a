"""What a loss computes once must not depend on where it is first called: in a compiled function, say."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps


def constant_when_compiled(function: Callable) -> Callable:
    """`function`, which torch.compile calls when it compiles and whose result it takes for a constant.

    As `torch.compiler.assume_constant_result`, which imports the compiler at once, a second's work.
    """
    function._dynamo_marked_constant = True
    return function


def in_a_fresh_thread(function: Callable) -> Callable:
    """`function`, run where no mode of the caller holds: not inference mode, autocast, a transform of
    torch.func, a default device or fake tensors."""

    @wraps(function)
    def run(*arguments):
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(function, *arguments).result()

    return run
