"""An executor for tests, on the HTTP API of the agent: one task, which runs until it is told to die.

It says hello, tells that the task runs (with data and labels), and echoes every message. `die` ends it with status 5,
`finish` finishes the task first and ends it with status 0; KILL and SHUTDOWN are obeyed.
"""

import base64
import http.client
import json
import os
import sys
import uuid

AGENT = os.environ["MESOS_AGENT_ENDPOINT"]
IDS = {
    "framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]},
}
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
calls = http.client.HTTPConnection(AGENT)


def body(kind, **parts):
    return json.dumps({"type": kind, **IDS, **parts})


def call(kind, **parts):
    calls.request("POST", "/api/v1/executor", body(kind, **parts), HEADERS)
    response = calls.getresponse()
    text = response.read()
    if response.status != 202:
        sys.exit(f"{kind}: {response.status} {text}")


def update(task, state, **fields):
    status = {
        "task_id": task,
        "state": state,
        "source": "SOURCE_EXECUTOR",
        "uuid": base64.b64encode(uuid.uuid4().bytes).decode(),
        **fields,
    }
    call("UPDATE", update={"status": status})


def message(data):
    call("MESSAGE", message={"data": base64.b64encode(data).decode()})


def records(stream):
    while True:
        header = stream.readline()
        if not header:
            return
        yield json.loads(stream.read(int(header)))


def main():
    stream = http.client.HTTPConnection(AGENT)
    stream.request("POST", "/api/v1/executor", body("SUBSCRIBE", subscribe={}), HEADERS)
    response = stream.getresponse()
    if response.status != 200:
        sys.exit(f"SUBSCRIBE: {response.status} {response.read()}")
    task = None
    for event in records(response):
        print(event["type"], flush=True)
        if event["type"] == "LAUNCH":
            task = event["launch"]["task"]["task_id"]
            message(b"hello from the executor \x00\x01\xfe")
            labels = {"labels": [{"key": "phase", "value": "warm"}, {"key": "flag"}]}
            data = base64.b64encode(b"progress: 10%\x00\xff").decode()
            update(task, "TASK_RUNNING", data=data, labels=labels)
        elif event["type"] == "MESSAGE":
            data = base64.b64decode(event["message"]["data"])
            message(b"echo:" + data)
            if data == b"die":
                sys.exit(5)
            if data == b"finish":
                update(task, "TASK_FINISHED", message="told to")
                sys.exit(0)
        elif event["type"] == "KILL":
            update(task, "TASK_KILLED", message="killed by its executor")
            sys.exit(0)
        elif event["type"] == "SHUTDOWN":
            sys.exit(3)


main()
