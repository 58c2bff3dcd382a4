import { Command, InvalidArgumentError } from "commander";
import { operatorCaller, sharedTenant } from "../rag/contracts.ts";
import type { Retrieval } from "../rag/retrieval.ts";
import { resultView, storeFileView, storeView } from "../rag/views.ts";
import { operatorPrincipal } from "../roles/gateway-retrieval.ts";
import type { Attributes } from "../schema/retrieval.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { withJson } from "./global-options.ts";
import { RagAdding } from "./rag-add.ts";
import { ragSources } from "./rag-sources.ts";
import {
  allFiles,
  allStores,
  findStore,
  print,
  progressLine,
  type RagOptions,
  requireStore,
  withGateway,
  withStores,
} from "./rag-stores.ts";
import { table } from "./table.ts";

/** `intellirouter rag`: documents that requests can be answered from, in the vector stores of the data directory. */
export function ragCommand(context: CommandContext): Command {
  return new Command("rag").description("Documents to answer from: add, search, list and remove them.")
    .addCommand(add(context))
    .addCommand(search(context))
    .addCommand(list(context))
    .addCommand(remove(context))
    .addCommand(reembed(context));
}

function withStore(command: Command): Command {
  return withTenant(command).option("-s, --store <name>", "the vector store, by name or id", "default");
}

function withTenant(command: Command): Command {
  return withJson(command).option(
    "--tenant <name>",
    "whose it is: a key's tenant, which is its id unless it has another; what is shared every caller may search",
    sharedTenant,
  );
}

function add(context: CommandContext): Command {
  return withStore(
    new Command("add").description(
      "Add files, the documents of folders, or standard input (-); again what has changed.",
    ),
  )
    .argument("<paths...>")
    .option("--name <name>", "what standard input is called", "stdin.md")
    .option(
      "--attribute <key=value>",
      "a fact about the files, to narrow searches by; may be repeated",
      attribute,
      {},
    )
    .action((paths: string[], options: RagOptions & { name: string; attribute: Attributes }) =>
      withGateway(context, options, async ({ retrieval }) => {
        const sources = await ragSources(context, paths, options.name);
        const progress = progressLine(context, options);
        const store = findStore(retrieval, options) ??
          retrieval.vectorStores.create({ tenant: options.tenant, caller: operatorCaller }, {
            name: options.store,
            description: undefined,
            metadata: {},
            expiresAfterDays: undefined,
          });
        const added = await new RagAdding(retrieval, store, progress.show).add(sources, options.attribute);
        progress.end();
        print(
          context,
          options,
          { vector_store: store.id, data: added },
          () =>
            table(
              ["FILE", "STATUS", "CHUNKS", ""],
              added.map(({ name, status, chunks, error }) => [name, status, String(chunks), error ?? ""]),
            ),
        );
        const failed = added.filter(({ error }) => error !== undefined).length;
        if (failed > 0) throw new CommandFailure(1, `${failed} of ${added.length} files could not be added`);
      })
    );
}

function search(context: CommandContext): Command {
  return withStore(new Command("search").description("Search a vector store, as requests would."))
    .argument("<query>")
    .option("--limit <number>", "most results", wholeNumber, 5)
    .action((query: string, options: RagOptions & { limit: number }) =>
      withGateway(context, options, async ({ retrieval, search }) => {
        const store = requireStore(retrieval, options);
        const { results, degraded } = await search(
          { vectorStores: [store.id], queries: [query], maxResults: Math.min(50, options.limit) },
          {
            principal: operatorPrincipal(options.tenant),
            requestId: "rag_search",
            decisionId: "rag_search",
            depth: 0,
          },
          AbortSignal.timeout(120_000),
        );
        for (const detail of degraded) context.stderr(`${detail}\n`);
        print(
          context,
          options,
          { object: "list", data: results.map(resultView) },
          () =>
            results.map(({ filename, page, headings, score, text }) => {
              const place = [filename, ...(page === undefined ? [] : [`page ${page}`]), ...headings].join(
                " > ",
              );
              return `${score.toFixed(3)}  ${place}\n${text.replace(/^/gm, "       ")}\n\n`;
            }).join(""),
        );
      })
    );
}

function list(context: CommandContext): Command {
  return withTenant(new Command("list").description("The vector stores, or the files of one of them."))
    .option("-s, --store <name>", "the vector store whose files are listed, by name or id")
    .action((options: RagOptions) =>
      withStores(context, options, (retrieval) => {
        if (options.store !== undefined) return listFiles(context, options, retrieval);
        const { vectorStores } = retrieval;
        const stores = allStores(retrieval, options.tenant).map((store) =>
          storeView(store, vectorStores.standing(store.id))
        );
        print(context, options, { object: "list", data: stores }, () =>
          table(
            ["NAME", "ID", "FILES", "WAITING", "FAILED", "VECTORS"],
            stores.map(({ name, id, file_counts: counts, embedding_model: model }) => [
              name,
              id,
              String(counts.completed),
              String(counts.in_progress),
              String(counts.failed),
              model ?? "-",
            ]),
          ));
      })
    );
}

function listFiles(context: CommandContext, options: RagOptions, retrieval: Retrieval): void {
  const store = requireStore(retrieval, options);
  const files = [...allFiles(retrieval, store)].map((file) => ({
    ...storeFileView(file),
    filename: retrieval.files.get(options.tenant, file.fileId).filename,
  }));
  print(context, options, { object: "list", data: files }, () =>
    table(
      ["FILE", "ID", "STATUS", "CHUNKS", ""],
      files.map(({ filename, id, status, progress, last_error: error, attributes }) => [
        String(attributes.source ?? filename),
        id,
        status,
        String(progress.chunks),
        error?.message ?? "",
      ]),
    ));
}

function remove(context: CommandContext): Command {
  return withStore(new Command("remove").description("Remove files of a vector store, or all of it."))
    .argument("[files...]", "by the names or ids that `list` shows")
    .option("--everything", "the vector store itself, and all of its files")
    .action((names: string[], options: RagOptions & { everything?: boolean }) =>
      withStores(context, options, async (retrieval) => {
        const store = requireStore(retrieval, options);
        if ((names.length > 0) === (options.everything ?? false)) {
          throw new CommandFailure(2, "say what to remove: names of files, or --everything");
        }
        const files = [...allFiles(retrieval, store)];
        const chosen = options.everything ? files : names.map((name) => {
          const found = files.find(({ fileId, attributes }) => fileId === name || attributes.source === name);
          if (found === undefined) {
            throw new CommandFailure(1, `the vector store "${options.store}" has no file "${name}"`);
          }
          return found;
        });
        for (const { fileId } of chosen) await retrieval.files.delete(options.tenant, fileId);
        if (options.everything) retrieval.vectorStores.delete(options.tenant, store.id);
        print(
          context,
          options,
          { removed: chosen.map(({ fileId }) => fileId) },
          () => `removed ${chosen.length} files\n`,
        );
      })
    );
}

function reembed(context: CommandContext): Command {
  return withTenant(
    new Command("reembed").description(
      "Have all vectors of a vector store made anew, by the configured model or another.",
    ),
  )
    .argument("<store>", "by name or id")
    .option("--model <name>", "the embedding model (default: retrieval.embedding_model)")
    .option("--words", "no vectors any more: searched by words alone")
    .action((name: string, given: RagOptions & { model?: string; words?: boolean }) => {
      const options = { ...given, store: name };
      return withGateway(context, options, async ({ retrieval }, { retrieval: settings }) => {
        const model = options.words ? undefined : options.model ?? settings.embedding_model;
        if (model === undefined && !options.words) {
          throw new CommandFailure(
            1,
            "there is no embedding model: set retrieval.embedding_model, or name one with --model",
          );
        }
        const store = requireStore(retrieval, options);
        const files = retrieval.vectorStores.reembed(
          { tenant: options.tenant, caller: operatorCaller },
          store.id,
          model,
        );
        const progress = progressLine(context, options);
        for (;;) {
          const { counts } = retrieval.vectorStores.standing(store.id);
          if (counts.in_progress === 0) break;
          progress.show(`${files - counts.in_progress}/${files} files`);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        progress.end();
        const { counts } = retrieval.vectorStores.standing(store.id);
        print(context, options, {
          vector_store: store.id,
          embedding_model: model ?? null,
          file_counts: counts,
        }, () => `${counts.completed} files are ready, by ${model ?? "words alone"}\n`);
        if (counts.failed > 0) {
          throw new CommandFailure(1, `${counts.failed} files failed; \`rag list --store\` says why`);
        }
      });
    });
}

function attribute(given: string, known: Attributes): Attributes {
  const [, key, value] = /^([^=]{1,64})=(.*)$/s.exec(given) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("It must be key=value.");
  const number = Number(value);
  const typed = value === "true"
    ? true
    : value === "false"
    ? false
    : value.trim() !== "" && Number.isFinite(number)
    ? number
    : value;
  return { ...known, [key]: typed };
}

function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return Number(value);
}
