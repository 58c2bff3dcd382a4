import type { InlineFiles } from "../hub/inline-files.ts";
import type { Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import type { ModelTraits } from "./model-traits.ts";
import type { GeminiModelOptions } from "./options.ts";

/** One part of a turn; which fields it has is what it is. */
export type Part = Loose;

/** One turn. */
export interface Content {
  readonly role: "user" | "model";
  readonly parts: readonly Part[];
}

/** What the two services that have the models know differently. */
export interface Dialect {
  /** Calls and their results carry ids. Vertex matches them by name and order. */
  readonly callIds: boolean;
  /** `serviceTier` is a field of the body. */
  readonly serviceTiers: boolean;
  /** Where uploaded files are found under `files/…`; absent where there are none. */
  readonly filesUrl?: string;
  /** Penalties are refused for some models. */
  readonly refusesPenalties: boolean;
}

/** What the parts of the encoding share. */
export interface EncodeContext {
  readonly options: GeminiModelOptions;
  readonly dialect: Dialect;
  readonly traits: ModelTraits;
  /** Files that the API would not fetch itself. */
  readonly files: InlineFiles;
  readonly lose: Lose;
}
