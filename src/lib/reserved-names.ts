/** Chains are models of a provider of this name, which nobody else may have. */
export const chainProvider = "chain";

/** Whose answers are those that a guardrail gives. */
export const guardrailProvider = "guardrail";

/** Personas are asked for as if they were models of a provider of this name. */
export const personaProvider = "persona";
