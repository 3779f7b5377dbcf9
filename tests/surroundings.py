"""What the tests in Python share: waiting for a condition, ports of their own, and how a failure is told."""

import atexit
import os
import socket
import time
import traceback
import unittest

# Seconds after which nothing will come any more. Nothing is judged by it but whether something hangs.
PATIENCE = 60

HERE = os.path.dirname(os.path.abspath(__file__))


def until(condition, what):
    """Waits for a condition and returns its value."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {PATIENCE} s")
        time.sleep(0.01)


def own_port():
    """A port on which nobody listens, and which nobody else is given while this process lives.

    A bound socket keeps it. As it does not listen, and lets others use its address (SO_REUSEADDR), a server
    that asks for this very port gets it, as often as it is started.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    atexit.register(kept.close)
    return kept.getsockname()[1]


def told(error):
    """What went wrong, after the lines of the tests that lead there; those of libraries help nobody."""
    kind, value, trace = error
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename.startswith(HERE)]
    places = [f"{os.path.relpath(frame.filename, HERE)}:{frame.lineno}: {frame.line}\n" for frame in frames]
    # What a program said that failed.
    said = getattr(value, "stderr", None) or ""
    return "".join([*places, *traceback.format_exception_only(kind, value), said if isinstance(said, str) else said.decode()])


class Result(unittest.TextTestResult):
    def addError(self, test, error):
        super().addError(test, error)
        self.errors[-1] = (test, told(error))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failures[-1] = (test, told(error))

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            kept = self.failures if issubclass(error[0], test.failureException) else self.errors
            kept[-1] = (subtest, told(error))


class Runner(unittest.TextTestRunner):
    resultclass = Result


def main():
    """Runs the tests of the program; the last lines say which ones failed, and with what."""
    # Warnings would stand where the failures are looked for.
    unittest.main(testRunner=Runner, verbosity=2, warnings="ignore")
