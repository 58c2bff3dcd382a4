import { expect, test } from "bun:test";
import { isSecretName } from "./secret-names.ts";

test.each([
  "api_key",
  "key",
  "apiKey",
  "API-KEY",
  "x-api-key",
  "client_secret",
  "refreshToken",
  "passwords",
  "Authorization",
  "set-cookie",
])(
  "%s names a secret",
  (name) => expect(isSecretName(name)).toBe(true),
);

test.each([
  "api_key_env",
  "api_key_file",
  "monkey",
  "max_output_tokens_hint",
  "first_token_ms",
  "name",
  "base_url",
  "keyboard",
])(
  "%s names no secret",
  (name) => expect(isSecretName(name)).toBe(false),
);
