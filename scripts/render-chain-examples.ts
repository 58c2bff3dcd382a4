import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../examples/chains", import.meta.url));

/** The example chains as a module, so that they are in the executable. */
export function renderChainExamples(): string {
  const entries = readdirSync(folder).filter((name) => name.endsWith(".toml")).sort().map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const escaped = text.replace(/[\\`]|\$\{/g, "\\$&");
    return `  ${JSON.stringify(basename(name, ".toml"))}: \`${escaped}\`,\n`;
  });
  return `/** Made from examples/chains by scripts/gen.ts. */
export const chainExamples: Readonly<Record<string, string>> = {
${entries.join("")}};
`;
}
