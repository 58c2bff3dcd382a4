/** Requests and answers in the shapes of Bedrock's Converse API (types of @aws-sdk/client-bedrock-runtime), one file each. */
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import bedrock from "../../../plugins/providers/bedrock/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

type Message = readonly [string, object] | ({ readonly exception: string } & Record<string, unknown>);

const codec = new EventStreamCodec(toUtf8, fromUtf8);

/** Base64 is the bytes themselves, made without this library; a list is of events and exceptions. */
function toBytes(binary: unknown): Uint8Array {
  if (typeof binary === "string") return Uint8Array.from(Buffer.from(binary, "base64"));
  return Buffer.concat((binary as Message[]).map(encode));
}

function encode(message: Message): Uint8Array {
  const header = (value: string) => ({ type: "string" as const, value });
  const json = { ":content-type": header("application/json") };
  if ("exception" in message) {
    const { exception, ...payload } = message;
    const headers = { ":exception-type": header(exception), ...json, ":message-type": header("exception") };
    return codec.encode({ headers, body: fromUtf8(JSON.stringify(payload)) });
  }
  const [type, payload] = message;
  const headers = { ":event-type": header(type), ...json, ":message-type": header("event") };
  return codec.encode({ headers, body: fromUtf8(JSON.stringify(payload)) });
}

playWireFixtures({ folder: import.meta.dir, plugin: bedrock, least: 40, toBytes });
