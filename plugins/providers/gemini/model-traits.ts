/** What distinguishes the generations of models; the API's own list says little of it. */
export interface ModelTraits {
  /** How thinking is asked for; `none` where the model does not think. */
  readonly thinking: "level" | "budget" | "none";
  /** The least that it can be brought to think: its own word, or a number of tokens. */
  readonly leastThinking: "minimal" | "low" | number;
  /** The most, in tokens; of no use where levels are asked for. */
  readonly mostThinking: number;
  /** Calls of earlier turns need their thought signatures, and a sentinel where those are lost. */
  readonly needsSignatures: boolean;
  /** Functions go together with Google's own tools, and with answers in JSON. */
  readonly combinesTools: boolean;
  /** Results of functions may hold images. */
  readonly imagesInResults: boolean;
  /** Has a place for instructions. */
  readonly systemInstruction: boolean;
  /** Answers that one whole call may give. */
  readonly candidates: number;
  /** Google's developer API refuses penalties for these. */
  readonly penalties: boolean;
}

/**
 * The traits of a model by its name. Names are open-ended, so one that is not known to be old is taken for new; names of aliases
 * (`gemini-flash-latest`) have no number.
 */
export function modelTraits(model: string): ModelTraits {
  const name = model.toLowerCase().replace(/^.*\//, "");
  const isGemma = name.startsWith("gemma");
  const generation = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  const number = generation === undefined ? Infinity : Number(generation);
  const isOld = isGemma || number < 3;
  const isPro = /-pro\b/.test(name);
  return {
    thinking: isGemma || number < 2.5 ? "none" : isOld ? "budget" : "level",
    // "Reasoning cannot be turned off for Gemini 2.5 Pro or 3 models" (ai.google.dev, "OpenAI compatibility").
    leastThinking: isOld ? (isPro ? 128 : 0) : isPro ? "low" : "minimal",
    mostThinking: isPro ? 32_768 : 24_576,
    needsSignatures: !isOld,
    combinesTools: !isOld,
    imagesInResults: !isOld,
    systemInstruction: !/^gemma-(1|2|3)/.test(name),
    // Newer ones answer "Multiple candidates is not enabled for this model" (js-genai#1609).
    candidates: /^gemini-2/.test(name) && !/image|tts/.test(name) ? 8 : 1,
    penalties: number !== 2.5,
  };
}
