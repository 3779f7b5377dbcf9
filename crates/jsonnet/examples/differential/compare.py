#!/usr/bin/env python3
"""Compares this engine with go-jsonnet (`pip install gojsonnet`) over generated programs.

    cargo build --release -p sessera-jsonnet --example differential
    compare.py EXAMPLE SEED COUNT        generated programs
    compare.py EXAMPLE arguments         every function with odd arguments
    compare.py EXAMPLE - < PROGRAMS      programs that end with a zero byte each

A difference is a value against an error, or two values. How errors are worded does not count, nor do
programs that run into a limit, that make go-jsonnet crash (it loses variables in places) or whose result
it prints as something that is not JSON (`+Inf`).
"""

import json
import subprocess
import sys

import _gojsonnet


NOT_COUNTED = (
    "max stack frames exceeded",
    "INTERNAL ERROR: (CRASH)",
    # Its own test programs use bitwise operators on 64 bits, which this release refuses.
    "Bitwise operator argument",
)


def theirs(program):
    try:
        return "value", _gojsonnet.evaluate_snippet("program", program)
    except RuntimeError as error:
        return "error", str(error)


def is_limit(text):
    return any(phrase in text for phrase in NOT_COUNTED)


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def main():
    example, *arguments = sys.argv[1:]
    lines = subprocess.Popen([example, *arguments], stdout=subprocess.PIPE, text=True).stdout
    compared = values = limits = differences = 0
    for line in lines:
        ours = json.loads(line)
        program = ours.pop("program")
        (outcome, text), = ours.items()
        their_outcome, their_text = theirs(program)
        compared += 1
        if outcome == "limit" or (is_limit(their_text) if their_outcome == "error" else not is_json(their_text)):
            limits += 1
            continue
        values += outcome == "value"
        same = outcome == their_outcome and (outcome == "error" or text.rstrip("\n") == their_text.rstrip("\n"))
        if not same:
            differences += 1
            print(f"--- {program}\n  ours   {outcome} {text!r}\n  theirs {their_outcome} {their_text!r}")
    print(f"{compared} programs, {values} with a value, {limits} not counted, {differences} different")
    sys.exit(1 if differences or not compared else 0)


if __name__ == "__main__":
    main()
