import type { Attributes } from "../schema/retrieval.ts";
import { operatorCaller } from "../rag/contracts.ts";
import type { Retrieval } from "../rag/retrieval.ts";
import type { StoreRecord } from "../rag/store-catalog.ts";
import type { StoreFileRecord } from "../rag/store-files.ts";
import { contentHash, type RagSource } from "./rag-sources.ts";
import { allFiles } from "./rag-stores.ts";

export interface AddedFile {
  readonly name: string;
  readonly file_id: string;
  readonly status: "completed" | "unchanged" | "failed" | "cancelled";
  readonly chunks: number;
  readonly error?: string;
}

interface Known {
  readonly fileId: string;
  readonly hash: unknown;
  readonly status: string;
}

const pollMs = 50;

/** Adds documents to a store, each in the place of the one of its name; what has not changed is left alone. */
export class RagAdding {
  readonly #retrieval: Retrieval;
  readonly #store: StoreRecord;
  readonly #progress: (text: string) => void;

  /** @param progress told in a few words how far it is. */
  constructor(retrieval: Retrieval, store: StoreRecord, progress: (text: string) => void) {
    this.#retrieval = retrieval;
    this.#store = store;
    this.#progress = progress;
  }

  async add(sources: readonly RagSource[], attributes: Attributes): Promise<AddedFile[]> {
    const known = this.#known();
    const added: AddedFile[] = [];
    for (const [index, source] of sources.entries()) {
      const label = `${index + 1}/${sources.length} ${source.name}`;
      this.#progress(label);
      added.push(await this.#one(source, attributes, known.get(source.name), label));
    }
    return added;
  }

  async #one(
    { name, read }: RagSource,
    more: Attributes,
    known: Known | undefined,
    label: string,
  ): Promise<AddedFile> {
    const { files, vectorStores } = this.#retrieval;
    const { tenant, id } = this.#store;
    const bytes = await read();
    const hash = contentHash(bytes);
    if (known?.hash === hash && known.status === "completed") {
      const { chunks } = vectorStores.file(tenant, id, known.fileId);
      return { name, file_id: known.fileId, status: "unchanged", chunks };
    }
    const file = await files.add(onePiece(bytes), () => ({
      tenant,
      filename: name,
      purpose: "assistants",
      contentType: undefined,
      expiresAfterSeconds: undefined,
    }));
    const owner = { tenant, caller: operatorCaller };
    vectorStores.addFile(owner, id, {
      fileId: file.id,
      attributes: { ...more, source: name, content_hash: hash },
    });
    const done = await this.#finished(file.id, label);
    if (done.status === "completed") {
      // Only now: until here the older one was found.
      if (known !== undefined) await files.delete(tenant, known.fileId);
      return { name, file_id: file.id, status: "completed", chunks: done.chunks };
    }
    await files.delete(tenant, file.id);
    const status = done.status === "cancelled" ? "cancelled" : "failed";
    return { name, file_id: file.id, status, chunks: 0, error: done.errorMessage ?? "it was taken out" };
  }

  async #finished(fileId: string, label: string): Promise<StoreFileRecord> {
    for (;;) {
      const file = this.#retrieval.vectorStores.file(this.#store.tenant, this.#store.id, fileId);
      if (file.status !== "in_progress") return file;
      const tries = file.attempts > 0 ? `, try ${file.attempts + 1}` : "";
      this.#progress(
        file.chunks === 0 ? `${label}${tries}` : `${label}: ${file.chunksDone}/${file.chunks} chunks${tries}`,
      );
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** The files of the store by the names that they were added by. */
  #known(): Map<string, Known> {
    const known = new Map<string, Known>();
    for (const { fileId, attributes, status } of allFiles(this.#retrieval, this.#store)) {
      if (typeof attributes.source !== "string") continue;
      known.set(attributes.source, { fileId, hash: attributes.content_hash, status });
    }
    return known;
  }
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
