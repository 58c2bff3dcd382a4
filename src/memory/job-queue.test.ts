import { expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { testHost } from "../../test/support/test-host.ts";
import { type Job, JobQueue, leaseMs } from "./job-queue.ts";

function queue() {
  const clock = new FakeClock();
  const database = testHost().sqlite("jobs");
  return { clock, jobs: new JobQueue(database, clock), other: new JobQueue(database, clock) };
}

const job = (name: string, more: Partial<Job> = {}): Job => ({
  name,
  kind: "learn",
  tenant: "a",
  conversation: name,
  payload: { of: name },
  ...more,
});

test("jobs are taken when they are due, oldest first, and by one worker alone", async () => {
  const { clock, jobs, other } = queue();
  jobs.add(job("later"), 1_000);
  jobs.add(job("now"));
  expect(jobs.take()).toMatchObject({ name: "now", payload: { of: "now" }, attempts: 0 });
  expect(other.take()).toBeUndefined();
  expect(jobs.waitMs()).toBe(1_000);
  await clock.advance(1_000);
  expect(other.take()).toMatchObject({ name: "later" });
});

test("a job that was put again while somebody was at work on it is done again", () => {
  const { jobs } = queue();
  jobs.add(job("one"));
  const taken = jobs.take()!;
  jobs.add(job("one", { payload: "newer" }));
  jobs.finish(taken);
  const again = jobs.take()!;
  expect(again.payload).toBe("newer");
  jobs.finish(again);
  expect([jobs.take(), jobs.waitMs()]).toEqual([undefined, undefined]);
});

test("what a dead worker has left is taken by the next, and not what a living one is at work on", async () => {
  const { clock, jobs, other } = queue();
  jobs.add(job("one"));
  const taken = jobs.take()!;
  await clock.advance(leaseMs - 1);
  jobs.extend(taken);
  await clock.advance(leaseMs - 1);
  expect(other.take()).toBeUndefined();
  await clock.advance(1);
  expect(other.take()).toMatchObject({ name: "one" });
});

test("a job that failed waits, and knows how often it has", async () => {
  const { clock, jobs } = queue();
  jobs.add(job("one"));
  jobs.retry(jobs.take()!, 500);
  expect([jobs.take(), jobs.waitMs()]).toEqual([undefined, 500]);
  await clock.advance(500);
  expect(jobs.take()).toMatchObject({ attempts: 1 });
});

test("turns of a conversation are written in their order, and hold up nobody else's", async () => {
  const { clock, jobs } = queue();
  const turn = (name: string, conversation: string) => job(name, { kind: "append", conversation });
  for (const [name, conversation] of [["1", "c"], ["2", "c"], ["3", "d"]] as const) {
    jobs.add(turn(name, conversation));
  }
  jobs.retry(jobs.take()!, 5_000);
  expect(jobs.take()).toMatchObject({ name: "3" });
  expect(jobs.take()).toBeUndefined();
  expect(jobs.has("append", "a", "c")).toBe(true);
  await clock.advance(5_000);
  const first = jobs.take()!;
  expect(first.name).toBe("1");
  jobs.finish(first);
  expect(jobs.take()).toMatchObject({ name: "2" });
});

test("jobs of a conversation or of a tenant are called off", () => {
  const { jobs } = queue();
  for (const name of ["one", "two"]) jobs.add(job(name));
  jobs.add(job("other", { tenant: "b" }));
  jobs.cancel("a", "one");
  expect(jobs.count("learn")).toBe(2);
  jobs.cancel("a");
  expect(jobs.take()).toMatchObject({ name: "other" });
});
