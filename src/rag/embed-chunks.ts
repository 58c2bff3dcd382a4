import type { VectorStore } from "../plugin/api/vector-store.ts";
import type { Chunk } from "./chunk-index.ts";
import type { RetrievalCaller } from "./contracts.ts";
import { recordId } from "./hybrid-search.ts";
import { IngestError } from "./ingest-error.ts";
import type { StoreCatalog } from "./store-catalog.ts";

export interface EmbedWork {
  readonly job: { readonly storeId: string; readonly fileId: string };
  readonly model: string;
  readonly chunks: readonly Chunk[];
  /** How many of them have their vectors already. */
  readonly done: number;
  readonly caller: RetrievalCaller;
  readonly vectors: VectorStore;
  readonly stores: StoreCatalog;
  readonly settings: { readonly embedding_batch: number };
  /** Told after each batch; ends the work when nobody wants it. */
  readonly life: { readonly signal: AbortSignal; tell(chunks: number, done: number): void; check(): void };
}

/**
 * Makes the vectors of a file's chunks, batch by batch.
 *
 * @returns how many bytes they have.
 * @throws {IngestError} for vectors that do not fit those of the store.
 */
export async function embedChunks(work: EmbedWork): Promise<number> {
  const { job: { storeId, fileId }, model, chunks, caller, vectors, stores, settings, life } = work;
  for (let done = work.done; done < chunks.length;) {
    const batch = chunks.slice(done, done + settings.embedding_batch);
    const values = await caller.embedder.embed(model, batch.map(embeddedText), life.signal);
    life.check();
    checkDimensions(stores, storeId, model, values);
    await vectors.upsert(
      storeId,
      batch.map(({ position }, index) => ({
        id: recordId({ fileId, position }),
        text: "",
        vector: { space: model, values: values[index]! },
        attributes: { file: fileId },
      })),
    );
    done += batch.length;
    life.tell(chunks.length, done);
    life.check();
  }
  return chunks.length * (stores.find(storeId)?.dimensions ?? 0) * 4;
}

/** A chunk as the model is shown it: what it stands under is part of what it means. */
function embeddedText({ headings, text }: Chunk): string {
  return headings.length === 0 ? text : `${headings.join(" > ")}\n\n${text}`;
}

/** The first vector of a store says how long all of them are. */
function checkDimensions(
  stores: StoreCatalog,
  storeId: string,
  model: string,
  values: readonly Float32Array[],
): void {
  const known = stores.find(storeId)?.dimensions;
  const length = known ?? values[0]?.length ?? 0;
  const odd = values.find((vector) => vector.length !== length || !vector.every(Number.isFinite));
  if (length === 0 || odd !== undefined) {
    throw new IngestError(
      "server_error",
      `the model ${model} gives vectors of ${
        odd?.length ?? 0
      } numbers; those of this vector store have ${length}. ` +
        `If the model has changed, have all of them made anew: intellirouter rag reembed ${storeId}`,
    );
  }
  if (known === undefined) stores.setEmbedding(storeId, model, length);
}
