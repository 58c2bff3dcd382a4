import type { GatewayCall } from "../gateway-call.ts";
import type { NormalisedWhole } from "../operation.ts";
import type { RequestBody } from "../request-body.ts";
import type { RequestRecord } from "../request-record.ts";
import type { AnswerStage, Exchange, Stage } from "./stage.ts";

/**
 * Has every stage that a request concerns change it, in order. What the stages do with the answer is left in the record.
 *
 * @returns the given call where nothing has changed.
 * @throws {ApiError} when a stage refuses the request.
 */
export async function runStages<Body extends RequestBody>(
  stages: readonly Stage[],
  call: GatewayCall<Body>,
  stream: boolean,
  record: RequestRecord,
): Promise<GatewayCall<Body>> {
  const { operation } = call;
  const prompt = operation.editPrompt?.(call.body);
  if (prompt === undefined) return call;
  const exchange: Exchange = {
    operation: operation.name,
    model: call.body.model,
    stream,
    headers: call.headers,
    principal: call.principal,
    requestId: call.requestId,
    decisionId: call.decisionId,
    depth: call.internal?.depth ?? 0,
    signal: call.signal,
    resolution: record.resolution!,
    written: call.written?.text,
    ownTexts: new Set(),
    prompt,
    answer: (refusal) => {
      record.refusal = refusal;
    },
    keepAnswer: (body) => operation.replaceAnswer?.(body as never),
    note: (note) => record.notes.push(note),
  };
  for (const stage of stages) {
    if (!stage.concerns(exchange)) continue;
    const answerStage = await stage.begin(exchange);
    if (record.refusal !== undefined) break;
    if (answerStage !== undefined) record.answerStages.unshift(answerStage);
  }
  return prompt.isChanged ? { ...call, body: prompt.body } : call;
}

/**
 * Has the stages change a whole answer.
 *
 * @throws {ApiError} when the client gets none.
 */
export async function changeAnswer<Body extends RequestBody>(
  stages: readonly AnswerStage[],
  operation: GatewayCall<Body>["operation"],
  whole: NormalisedWhole,
): Promise<NormalisedWhole> {
  const editor = operation.editAnswer?.(whole.body);
  if (editor === undefined) return whole;
  for (const stage of stages) await stage.answer?.(editor);
  if (!editor.isChanged) return whole;
  operation.replaceAnswer?.(editor.body);
  const { text: _text, ...rest } = whole;
  return { ...rest, body: editor.body };
}
