/** Chains are models of a provider of this name, which nobody else may have. */
export const chainProvider = "chain";

/** Personas are asked for as if they were models of a provider of this name. */
export const personaProvider = "persona";
