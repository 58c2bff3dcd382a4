/** What `intellirouter check` says of `[telemetry]`, with the built-in exporters. */
import { describe, expect, test } from "bun:test";
import { builtinPlugins } from "../../plugins/builtin.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { PluginRegistry } from "../../src/plugin/host/plugin-registry.ts";
import { planExporters } from "../../src/roles/create-exporters.ts";
import { validateSettings } from "../../src/roles/validate-settings.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function settingsOf(config: string, environment: Record<string, string> = {}) {
  using folder = temporaryFolder({ "c.toml": config });
  const loaded = await loadSettings({ configPath: "c.toml", environment, cwd: folder.path });
  // The file is read again to find places in it.
  const report = await validateSettings(loaded, builtinPlugins, environment);
  return { loaded, report };
}

const otlp = '[[telemetry.exporters]]\nkind = "otlp"\n';

describe("what is wrong is named with its place", () => {
  test.each([
    [
      `[[telemetry.exporters]]\nkind = "otpl"\n`,
      'There is no exporter plugin "otpl". Did you mean "otlp"?',
      "c.toml:2:",
    ],
    [
      `${otlp}endpoint = "http://h"\nendpiont = "x"\n`,
      'unknown key "telemetry.exporters[0].endpiont". Did you mean "endpoint"?',
      "c.toml:4:",
    ],
    [
      `${otlp}endpoint = "ftp://h"\n`,
      '"telemetry.exporters[0].endpoint" is wrong: must be a URL of http or https',
      "c.toml:3:",
    ],
    [otlp, "endpoint is needed", "c.toml:1:"],
    [
      `${otlp}endpoint = "http://h"\nsecrets = { password = { env = "X" } }\n`,
      'the kind "otlp" has no secret "password"; it takes headers',
      "c.toml:4:",
    ],
    [
      `${otlp}endpoint = "http://h"\nsecrets = { headers = { env = "NOT_SET" } }\n`,
      'secrets.headers of the exporter "otlp" is missing: the environment variable NOT_SET is not set.',
      "",
    ],
    [`[telemetry.metrics]\nexporter = "promtheus"\n`, 'Did you mean "prometheus"?', "c.toml:2:"],
  ])("%j", async (config, said, place) => {
    const error: unknown = await settingsOf(config).catch((one) => one);
    expect(String((error as Error).message)).toContain(said);
    expect(String((error as Error).message)).toContain(place);
  });
});

describe("the environment of OpenTelemetry", () => {
  const endpoint = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    OTEL_EXPORTER_OTLP_HEADERS: "a=b",
  };
  const planned = async (config: string, environment: Record<string, string>) => {
    const { loaded } = await settingsOf(config, environment);
    const plans = await planExporters(loaded, new PluginRegistry(builtinPlugins), environment);
    return plans.map(({ settings: { kind }, options, secrets }) => ({ kind, options, secrets }));
  };
  const metrics = { kind: "prometheus", options: {}, secrets: {} };

  test("asks for an exporter, and its secret is no option", async () => {
    expect(await planned("", endpoint)).toEqual([
      metrics,
      { kind: "otlp", options: { endpoint: "http://127.0.0.1:4318" }, secrets: { headers: "a=b" } },
    ]);
  });

  test("counts for nothing beside a configured one, where it is switched off, or disabled", async () => {
    const own = { kind: "otlp", options: { endpoint: "http://mine" }, secrets: {} };
    expect(await planned(`${otlp}endpoint = "http://mine"\n`, endpoint)).toEqual([own, metrics]);
    expect(await planned("[telemetry]\nenvironment = false\n", endpoint)).toEqual([metrics]);
    expect(await planned("", { ...endpoint, OTEL_SDK_DISABLED: "true" })).toEqual([metrics]);
    expect(await planned('[telemetry.metrics]\nexporter = "none"\n', {})).toEqual([]);
  });

  test("that asks for nonsense does not keep the gateway from starting either", async () => {
    await settingsOf("", { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" });
  });

  test("that asks for gRPC does not keep the gateway from starting", async () => {
    const [, exporter] = await planned("", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
    expect(exporter!.options).toMatchObject({ protocol: "grpc" });
  });
});
