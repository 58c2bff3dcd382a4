import { type StreamMutation, streamMutations } from "../../support/stream-mutations.ts";
import { startWorld, type World } from "./world.ts";

/** The name under which the backend sends this stream. */
export const modelOf = (mutation: StreamMutation): string => `mutation-${streamMutations.indexOf(mutation)}`;

/** The gateway before a backend that breaks the streaming protocol in every way that is known. */
export async function startHostileWorld(): Promise<World> {
  const world = await startWorld();
  for (const mutation of streamMutations) {
    world.upstream.on(modelOf(mutation), (_call, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(mutation.body);
    });
  }
  return world;
}
