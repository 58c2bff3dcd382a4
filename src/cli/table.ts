/** Columns as wide as their widest cell; columns without any content are left out. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = header.map((_title, column) => rows.some((row) => (row[column] ?? "") !== ""));
  const lines = [header, ...rows].map((row) => row.filter((_cell, column) => used[column]));
  const widths = (lines[0] ?? []).map((_cell, column) =>
    Math.max(...lines.map((line) => line[column]!.length))
  );
  return lines.map((line) =>
    `${line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()}\n`
  ).join("");
}
