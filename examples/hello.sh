#!/bin/sh
# Greets whom it is told to: any executable can be an action. The parameters come as JSON in the first
# argument (and on stdin); the last line of stdout is the result, every other line is a log.

name=$(printf '%s' "$1" | sed -n 's/.*"name" *: *"\([^"\\]*\)".*/\1/p')
name=${name:-stranger}
echo "greeting $name"
echo "this line goes to stderr" >&2
printf '{"greeting":"Hello, %s!"}\n' "$name"
