import type { ChatCompletionRequest, PluginHost } from "intellirouter/plugin";
import { bytesToBase64, type InlineFile } from "./data-url.ts";
import { asObject } from "./loose.ts";

/** Files that were fetched for a request, by the address that it names them with. */
export type InlineFiles = ReadonlyMap<string, InlineFile>;

/**
 * Fetches the images and files that a request names by an address which the backend would not fetch itself.
 *
 * @param isWanted whether the backend cannot take the address as it is; never asked of `data:` addresses.
 */
export async function fetchInlineFiles(
  request: ChatCompletionRequest,
  isWanted: (url: string) => boolean,
  host: Pick<PluginHost, "download">,
  signal: AbortSignal,
): Promise<InlineFiles> {
  const addresses = new Set(
    request.messages.flatMap(({ content }) =>
      Array.isArray(content) ? content.flatMap((part) => remoteAddress(part) ?? []) : []
    ).filter(isWanted),
  );
  const files = await Promise.all([...addresses].map(async (url) => {
    const { mediaType, data } = await host.download(url, signal);
    return [url, { mediaType, base64: bytesToBase64(data) }] as const;
  }));
  return new Map(files);
}

function remoteAddress(
  part: { readonly type: string; readonly [field: string]: unknown },
): string | undefined {
  const url = part.type === "image_url" ? imageAddress(part) : part.type === "file" ? fileAddress(part) : "";
  return /^https?:/i.test(url) ? url : undefined;
}

/** The address in a `file` part, where there is one in the place of the data. */
function fileAddress({ file }: { readonly [field: string]: unknown }): string {
  const { file_data: data } = asObject(file);
  return typeof data === "string" ? data : "";
}

/** The address in an `image_url` part; some clients leave out the object around it. */
export function imageAddress(part: { readonly [field: string]: unknown }): string {
  const { image_url: image } = part;
  return typeof image === "string" ? image : String(asObject(image).url ?? "");
}
