import { expect, test } from "bun:test";
import fc from "fast-check";
import { settingsSchema } from "../schema/settings.ts";
import { redactSettings } from "./redact-settings.ts";

function redactedProvider(fields: Record<string, unknown>): Record<string, unknown> {
  const settings = settingsSchema.parse({ providers: [{ name: "a", kind: "mock", ...fields }] });
  return (redactSettings(settings).providers as Record<string, unknown>[])[0]!;
}

test("secrets are hidden, whatever their plugin calls them, and where they are found is not", () => {
  const shown = redactedProvider({
    api_key: "s1",
    clientSecret: "s2",
    auth: { password: "s3", user: "me" },
    access_tokens: ["s4"],
    headers: { "x-team": "s5" },
    api_key_env: "CLOUD_KEY",
    max_tokens: 5,
  });
  expect(JSON.stringify(shown)).not.toMatch(/"s\d"/);
  expect(shown).toMatchObject({ api_key_env: "CLOUD_KEY", max_tokens: 5, auth: { user: "me" } });
});

test("user and password inside of a URL are hidden", () => {
  expect(redactedProvider({ base_url: "https://me:pass@host/v1" }).base_url).toBe(
    "https://[redacted]@host/v1",
  );
  expect(redactedProvider({ base_url: "https://host/v1?q=a@b" }).base_url).toBe("https://host/v1?q=a@b");
});

test("no api_key survives, whatever it is", () => {
  fc.assert(fc.property(fc.string({ minLength: 12 }), (key) => {
    expect(JSON.stringify(redactedProvider({ api_key: key }))).not.toContain(JSON.stringify(key));
  }));
});
