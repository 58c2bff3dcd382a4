import process from "node:process";

/**
 * Until it goes out of scope the process has these variables, and of those that begin with one of the prefixes no other:
 * `using _ = environment(["AWS_"], { AWS_PROFILE: "work" })`.
 */
export function environment(
  prefixes: readonly string[],
  variables: Readonly<Record<string, string>>,
): Disposable {
  const names = [
    ...Object.keys(process.env).filter((name) => prefixes.some((prefix) => name.startsWith(prefix))),
    ...Object.keys(variables),
  ];
  const before = names.map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const name of names) set(name, variables[name]);
  return { [Symbol.dispose]: () => before.forEach(([name, value]) => set(name, value)) };
}
