import type { RunningRouter } from "../roles/run-router.ts";

const shownModels = 12;

/** What a person sees after the start: what was found, and what to try. A new admin key is in it, and nowhere else. */
export function welcome(running: RunningRouter, newAdminKey: string | undefined, version: string): string {
  const host = running.host === "0.0.0.0" || running.host === "::"
    ? "127.0.0.1"
    : running.host.includes(":") && !running.host.startsWith("[")
    ? `[${running.host}]`
    : running.host;
  const base = `http://${host}:${running.port}`;
  const models = running.models();
  const providers = running.providers().map(({ name, origin, found, plugin }) => {
    const where = origin === "configuration"
      ? plugin.name
      : origin === "built-in"
      ? "built in, makes its answers up"
      : `found: ${found}`;
    return `  ${name.padEnd(18)} ${where}`;
  });
  const model = models.find((name) => name === "mock-llama") ?? models[0] ?? "MODEL";
  const key = newAdminKey ?? (running.keyRequired ? "YOUR_KEY" : undefined);
  return [
    `IntelliRouter ${version} serves ${base}/v1`,
    "",
    providers.length === 0
      ? "No providers yet: set a vendor's key, start a model server, or write a configuration."
      : "Providers",
    ...providers,
    "",
    ...(models.length === 0 ? [] : [
      "Models",
      `  ${models.slice(0, shownModels).join(", ")}${
        models.length > shownModels ? `, and ${models.length - shownModels} more at /v1/models` : ""
      }`,
      "",
    ]),
    ...(newAdminKey === undefined ? [] : ["Admin key, shown this once; keep it:", `  ${newAdminKey}`, ""]),
    "Try",
    `  curl ${base}/v1/chat/completions -H 'content-type: application/json'${
      key === undefined ? "" : ` -H 'authorization: Bearer ${key}'`
    } \\`,
    `    -d '{"model":"${model}","messages":[{"role":"user","content":"Hello!"}]}'`,
    "",
    "",
  ].join("\n");
}
