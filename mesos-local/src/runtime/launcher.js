// Runs one JavaScript action, and keeps the states of its container.
//
// Answers calls on file descriptor 3. A frame is a line of JSON, the header, and as many bytes as its
// "length" says. Calls are taken while others run, so that an overlapping one can be refused.
"use strict";

const fs = require("fs");
const { createRequire } = require("module");
const net = require("net");
const path = require("path");
const { pathToFileURL } = require("url");
const vm = require("vm");

const IDENTIFIERS = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/;
const concurrent = process.env.__OW_ALLOW_CONCURRENT === "true";

// A failure that names its cause completely: nobody needs the stack.
class Refusal extends Error {}

// "ready", "starting", "running" or "stopped"; the last one is for good.
let status = "ready";
let action;

async function init(header, body) {
  if (action !== undefined) return refuse("Cannot initialize the action more than once.");
  if (status !== "ready") return refuse(`System not ready, status is ${status}.`);
  const { main, code, env } = body.value ?? {};
  if (!isText(main) || !isText(code)) return answer(403, { error: "Missing main/no code to execute." });
  status = "starting";
  for (const [name, value] of Object.entries(env ?? {})) process.env[name] = environmentText(value);
  try {
    if (header.refusal !== undefined) throw new Refusal(header.refusal);
    action = header.directory === undefined ? evaluate(code, main) : await load(header.directory, main);
    if (typeof action !== "function") {
      action = undefined;
      throw new Refusal(`Action entrypoint '${main}' is not a function.`);
    }
    status = "ready";
    return answer(200, { OK: true });
  } catch (error) {
    status = "stopped";
    const why = error instanceof Refusal ? error.message : String(error?.stack ?? error);
    console.error(`Error during initialization: ${why}`);
    return finished(502, { error: `Initialization has failed due to: ${why}` });
  }
}

async function run(header, body) {
  if (action === undefined) return refuse("System not initialized.");
  if (status !== "ready" && !(concurrent && status === "running")) {
    return refuse(`System not ready, status is ${status}.`);
  }
  status = "running";
  const parameters = body.value ?? {};
  if (typeof parameters !== "object") {
    // The status stays as it is, as it does upstream.
    const type = typeof parameters;
    return refuse(`Internal system error: the argument must be a dictionary but has type '${type}'.`);
  }
  for (const [name, value] of Object.entries(body)) {
    if (name !== "value") process.env[`__OW_${name.toUpperCase()}`] = environmentText(value);
  }
  let promise;
  try {
    promise = Promise.resolve(action(parameters));
  } catch (error) {
    status = "stopped";
    console.error(error);
    return finished(502, { error: `An error has occurred: ${error}` });
  }
  let result;
  try {
    result = await promise;
    if (result === undefined) result = {};
  } catch (reason) {
    result = { error: describe(reason) };
  }
  if (status === "running") status = "ready";
  if (typeof result !== "object") {
    console.error(`Result must be of type object but has type "${typeof result}":`, result);
    return finished(502, { error: "The action did not return a dictionary." });
  }
  try {
    return { status: 200, sentinels: true, body: JSON.stringify(result) ?? "{}" };
  } catch (error) {
    console.error(error);
    return finished(502, { error: `An error has occurred: ${error}` });
  }
}

const isText = (value) => typeof value === "string" && value !== "";

const answer = (status, value) => ({ status, sentinels: false, body: JSON.stringify(value) });

const finished = (status, value) => ({ ...answer(status, value), sentinels: true });

function refuse(why) {
  console.error(`Internal system error: ${why}`);
  return answer(403, { error: why });
}

function environmentText(value) {
  if (typeof value === "string") return value;
  return value === null ? "" : JSON.stringify(value);
}

function describe(reason) {
  if (reason === undefined || reason === null) return {};
  if (!(reason instanceof Error)) return reason;
  const { name, message, stack } = reason;
  return { name, message, stack, ...reason };
}

// Code that defines its entry point as a function, or exports it.
function evaluate(code, main) {
  const filename = path.resolve("action.js");
  const module = { exports: {} };
  const found = IDENTIFIERS.test(main) ? `try { return ${main}; } catch { return undefined; }` : "";
  const options = { filename, importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  const names = ["exports", "require", "module", "__filename", "__dirname"];
  let evaluated;
  try {
    evaluated = vm.compileFunction(`${code}\n;${found}`, names, options);
  } catch (error) {
    // The frames would be those of this file; the line of the code stands in front of them.
    const line = /:(\d+)\n/.exec(error.stack)?.[1];
    throw new Refusal(`${error}\n    at ${filename}:${line}`);
  }
  const local = evaluated(module.exports, createRequire(filename), module, filename, path.dirname(filename));
  return typeof local === "function" ? local : module.exports[main];
}

// An unpacked archive: a CommonJS package, or an ECMAScript one.
async function load(directory, main) {
  process.chdir(directory);
  if (!fs.existsSync("package.json") && !fs.existsSync("index.js")) {
    throw new Refusal("the archive holds neither package.json nor index.js at its root");
  }
  const requireFrom = createRequire(path.join(directory, "action.js"));
  try {
    return requireFrom(directory)[main];
  } catch (error) {
    if (error?.code !== "ERR_REQUIRE_ESM") throw error;
    return (await import(pathToFileURL(requireFrom.resolve(directory))))[main];
  }
}

// The body of a call, or `undefined` if it is no JSON object or array.
function parse(text) {
  try {
    const body = text === "" ? {} : JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

// What the action printed must be out before the answer is.
const written = [process.stdout, process.stderr].map((stream) => {
  const write = stream.write.bind(stream);
  return () => new Promise((done) => write("", done));
});

const channel = new net.Socket({ fd: 3, readable: true, writable: true });

async function handle(header, text) {
  const body = parse(text);
  const handler = header.path === "/init" ? init : run;
  const reply = body === undefined ? answer(500, { error: "Bad request." }) : await handler(header, body);
  for (const flush of written) await flush();
  const bytes = Buffer.from(reply.body);
  const { status, sentinels } = reply;
  channel.write(JSON.stringify({ id: header.id, status, sentinels, length: bytes.length }) + "\n");
  channel.write(bytes);
}

let chunks = [];
let missing = 0;
let header;
channel.on("data", (chunk) => {
  while (chunk.length > 0) {
    if (header === undefined) {
      const end = chunk.indexOf("\n");
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) return;
      header = JSON.parse(Buffer.concat(chunks));
      chunks = [];
      missing = header.length;
      chunk = chunk.subarray(end + 1);
    }
    const part = chunk.subarray(0, missing);
    chunk = chunk.subarray(part.length);
    chunks.push(part);
    missing -= part.length;
    if (missing === 0) {
      const [whole, body] = [header, Buffer.concat(chunks).toString()];
      [header, chunks] = [undefined, []];
      handle(whole, body);
    }
  }
});
// The runtime is gone.
channel.on("close", () => process.exit());
