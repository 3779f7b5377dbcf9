// Starts a real server in a folder of its own and runs the real command line against it.

import { execFile, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const program = process.env.SESSERA ?? new URL("../../target/debug/sessera", import.meta.url).pathname
const SECONDS_TO_START = 60

/**
 * A running server.
 *
 * `configuration` is the content of its configuration file (an object in kratos.yml's form); ports are free
 * ones unless it says otherwise.
 */
export async function start(configuration = {}) {
  const folder = await mkdtemp(join(tmpdir(), "sessera-clients-"))
  const file = join(folder, "sessera.json")
  await writeFile(file, JSON.stringify(configuration))
  const child = spawn(program, ["serve", "-c", file], {
    cwd: folder,
    env: { ...process.env, SERVE_PUBLIC_PORT: "0", SERVE_ADMIN_PORT: "0", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const addresses = await listening(child)
  return {
    folder,
    publicUrl: `http://${addresses.public}`,
    adminUrl: `http://${addresses.admin}`,
    run: (...args) => run(folder, `http://${addresses.admin}`, program, args),
    sh: (script) => run(folder, `http://${addresses.admin}`, "sh", ["-c", script]),
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGTERM")
      const code = await ended
      await rm(folder, { recursive: true })
      return code
    },
  }
}

/** Waits for the line that names both addresses. */
function listening(child) {
  return new Promise((resolve, reject) => {
    let said = ""
    const late = setTimeout(() => reject(new Error(`the server is not ready:\n${said}`)), SECONDS_TO_START * 1000)
    const read = (chunk) => {
      said += chunk
      const match = /public=(\S+) admin=(\S+)/.exec(said)
      if (match) {
        clearTimeout(late)
        resolve({ public: match[1], admin: match[2] })
      }
    }
    child.stdout.setEncoding("utf8").on("data", read)
    child.stderr.setEncoding("utf8").on("data", read)
    child.once("exit", (code) => {
      clearTimeout(late)
      reject(new Error(`the server ended with ${code}:\n${said}`))
    })
  })
}

/** Runs a command in the server's folder, where `sessera` and `ory` are the program under test. */
async function run(folder, adminUrl, command, args) {
  const shell = command === "sh" ? [args[0], `ory() { "${program}" "$@"; }; sessera() { "${program}" "$@"; }; ${args[1]}`] : args
  const { code, stdout, stderr } = await promisify(execFile)(command, shell, {
    cwd: folder,
    env: { ...process.env, SESSERA_ADMIN_URL: adminUrl, NO_COLOR: "1" },
  }).then(
    (output) => ({ code: 0, ...output }),
    (error) => error,
  )
  return { code, stdout, stderr }
}
