"""What the Python clients share: they do what they are told and print one line of JSON for each thing that they saw."""

import json
import os
import sys
import traceback

ORIGIN = os.environ["GATEWAY_ORIGIN"]
KEY = os.environ["GATEWAY_KEY"]
BACKEND = os.environ["BACKEND_URL"]

QUESTION = "What is the weather?"
WEATHER = {"Oslo": "sunny", "Rome": "rain"}
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def say(line):
    # Lone halves of characters must not stop the report; the other side sees that they are wrong.
    print(json.dumps(line), flush=True)


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def run_checks(checks):
    """Each check is a function that gives what it saw, or the reason why this client cannot do it."""
    for name, check in checks.items():
        if isinstance(check, str):
            say({"check": name, "cannot": check})
            continue
        try:
            say({"check": name, "saw": check()})
        except Exception:
            say({"check": name, "failed": traceback.format_exc()})


def run_mutations(readers, clean):
    """Reads each stream that standard input names, in each way; `clean` are the errors that users are meant to see."""
    for model in json.load(sys.stdin):
        for name, read in readers.items():
            line = {"reader": name, "model": model}
            try:
                line["saw"] = read(model)
            except clean as error:
                line["error"] = f"{type(error).__name__}: {error}"
            except Exception:
                line["stumble"] = traceback.format_exc()
            say(line)


def main(checks, readers, clean):
    if sys.argv[1] == "checks":
        run_checks(checks)
    else:
        run_mutations(readers, clean)
