import { Argument, Command, type Command as CommandType } from "commander";
import type { CommandContext } from "./command-context.ts";

const shells = ["bash", "zsh", "fish"] as const;

export function completionCommand(context: CommandContext): Command {
  const command: Command = new Command("completion")
    .description("Print a completion script for a shell.")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .addHelpText(
      "after",
      '\n  bash:  eval "$(intellirouter completion bash)"\n  zsh:   eval "$(intellirouter completion zsh)"\n  fish:  intellirouter completion fish | source',
    )
    .action((shell: (typeof shells)[number]) => {
      const words = wordsOf(command.parent!);
      context.stdout(shell === "fish" ? fish(words) : shell === "zsh" ? zsh(words) : bash(words));
    });
  return command;
}

/** What may follow the words so far, `""` being the program itself. */
type Words = ReadonlyMap<string, readonly { readonly word: string; readonly help: string }[]>;

function wordsOf(
  program: CommandType,
  path = "",
  words = new Map<string, { word: string; help: string }[]>(),
): Words {
  const entries = program.commands.map((child) => ({ word: child.name(), help: child.description() }));
  for (const argument of program.registeredArguments) {
    for (const choice of argument.argChoices ?? []) {
      entries.push({ word: choice, help: argument.description });
    }
  }
  for (const option of program.options) {
    if (option.long) entries.push({ word: option.long, help: option.description });
  }
  entries.push({ word: "--help", help: "print help" });
  words.set(path, entries);
  for (const child of program.commands) {
    wordsOf(child, path === "" ? child.name() : `${path} ${child.name()}`, words);
  }
  return words;
}

function bash(words: Words): string {
  const cases = [...words].map(([path, entries]) =>
    `    '${path}') candidates='${entries.map(({ word }) => word).join(" ")}' ;;`
  );
  return `# bash completion of intellirouter
_intellirouter() {
  local path='' word candidates='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case "$word" in -*) continue ;; esac
    case "\${path:+$path }$word" in
${
    [...words.keys()].filter((path) => path !== "").map((path) => `      '${path}') path='${path}' ;;`).join(
      "\n",
    )
  }
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    --config | -c | --data-dir | --request) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
    *) COMPREPLY=($(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
  esac
}
complete -o filenames -F _intellirouter intellirouter
`;
}

/** zsh understands bash's completion functions. */
function zsh(words: Words): string {
  return `# zsh completion of intellirouter
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bash(words)}`;
}

function fish(words: Words): string {
  const quote = (text: string) => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
  const lines = [...words].flatMap(([path, entries]) => {
    const condition = path === ""
      ? "__fish_use_subcommand"
      : path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    return entries.map(({ word, help }) =>
      word.startsWith("--")
        ? `complete -c intellirouter -n ${quote(condition)} -l ${word.slice(2)} -d ${quote(help)}`
        : `complete -c intellirouter -n ${quote(condition)} -f -a ${word} -d ${quote(help)}`
    );
  });
  return `# fish completion of intellirouter\n${lines.join("\n")}\n`;
}
