"""Runs one Python action: `launcher.py <source file> <entry point>`.

Answers calls on file descriptor 3. A frame is a line of JSON, the header, and as many bytes as its
"length" says. The first answer tells whether the code compiles (200) or not (502); later ones hold what
the action returned. A message that cannot be read, or a result that cannot be written, ends the process.
"""

import json
import os
import sys
import traceback
import types

CHANNEL = 3


def main():
    source, entry_point = sys.argv[1:3]
    # What the action starts must not hold the channel open.
    os.set_inheritable(CHANNEL, False)
    calls = os.fdopen(CHANNEL, "rb")
    answers = os.fdopen(os.dup(CHANNEL), "wb")

    def answer(call_id, status, body=b""):
        sys.stdout.flush()
        sys.stderr.flush()
        header = {"id": call_id, "status": status, "length": len(body)}
        answers.write(json.dumps(header).encode() + b"\n" + body)
        answers.flush()

    with open(source, "rb") as file:
        text = file.read()
    try:
        code = compile(text, source, "exec")
    except (SyntaxError, ValueError) as error:
        print("".join(traceback.format_exception_only(type(error), error)), end="", file=sys.stderr)
        answer(0, 502)
        return
    action = load(code, source, entry_point)
    answer(0, 200)

    for line in calls:
        header = json.loads(line)
        message = json.loads(calls.read(header["length"]))
        for name, value in message.items():
            if name != "value":
                os.environ["__OW_" + name.upper()] = value
        try:
            result = action(message.get("value", {}))
        except Exception as error:
            print(traceback.format_exc(), file=sys.stderr)
            result = {"error": str(error)}
        answer(header["id"], 200, json.dumps(result).encode())


def load(code, source, entry_point):
    sys.argv = [source]
    sys.path[0] = os.path.dirname(source)
    module = types.ModuleType("main__")
    module.__file__ = source
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)
    return getattr(module, entry_point)


main()
