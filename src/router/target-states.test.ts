import { expect, test } from "bun:test";
import { catalogModel, stateSettings, targetStates } from "../../test/support/router-fixtures.ts";

const model = catalogModel("a/m");

test("a target that was never called is well, and asking makes no state", () => {
  expect(targetStates().unhealthy(model, 0)).toBeUndefined();
});

test("an open circuit names the last error and the time that is left", () => {
  const states = targetStates();
  const state = states.of(model);
  state.lastError = "unavailable: no connection";
  for (let count = 0; count < 3; count++) state.breaker.fail(100, false);
  expect(states.unhealthy(model, 100)).toEqual({
    state: "open",
    retryAfterMs: 10_000,
    lastError: "unavailable: no connection",
  });
  expect(states.unhealthy(model, 10_100)).toBeUndefined();
});

test("while the probe runs nothing else is let through", () => {
  const states = targetStates();
  const { breaker } = states.of(model);
  for (let count = 0; count < 3; count++) breaker.fail(0, false);
  breaker.begin(10_000);
  expect(states.unhealthy(model, 10_000)).toMatchObject({ state: "half-open" });
});

test("a refused credential is forgotten at the provider's first success", () => {
  const states = targetStates();
  states.refuseCredential("a", 0);
  expect(states.unhealthy(catalogModel("a/other"), 1)).toMatchObject({ state: "credential" });
  states.acceptCredential("a");
  expect(states.unhealthy(catalogModel("a/other"), 1)).toBeUndefined();
});

test("a reload with the same settings forgets nothing", () => {
  const states = targetStates();
  states.of(model).coolUntil = 1_000;
  states.configure({ ...stateSettings });
  expect(states.unhealthy(model, 0)?.state).toBe("cooling");
});

test("new settings hold from the next request on, and what is in flight keeps its count", () => {
  const states = targetStates();
  const busy = states.of(catalogModel("a/busy"));
  busy.outstandingRequests = 1;
  states.of(model).coolUntil = 1_000;
  states.configure({ ...stateSettings, breaker: { failures: 1, openMs: 1, maxOpenMs: 1 } });
  expect(states.of(catalogModel("a/busy"))).toBe(busy);
  states.of(model).breaker.fail(0, false);
  expect(states.unhealthy(model, 0)?.state).toBe("open");
});

test("names that clients make up do not fill the memory, and a target in use is not forgotten", () => {
  const states = targetStates();
  const kept = states.of(model);
  for (let count = 0; count < 25_000; count++) {
    states.of(catalogModel(`a/made-up-${count}`));
    if (count % 1_000 === 0) states.of(model);
  }
  expect(states.of(model)).toBe(kept);
  const early = catalogModel("a/made-up-0");
  states.of(early).coolUntil = 5;
  expect(states.of(early).coolUntil).toBe(5);
});

test("what was learnt of a provider goes with its old address or credential, running calls stay counted", () => {
  const states = targetStates();
  const other = catalogModel("ab/m");
  for (const one of [model, other]) {
    const state = states.of(one);
    for (let count = 0; count < 3; count++) state.breaker.fail(0, false);
    state.outstandingRequests = 1;
  }
  states.refuseCredential("a", 0);
  states.forget("a");
  expect(states.unhealthy(model, 1)).toBeUndefined();
  expect(states.of(model).outstandingRequests).toBe(1);
  expect(states.unhealthy(other, 1)).toMatchObject({ state: "open" });
});
