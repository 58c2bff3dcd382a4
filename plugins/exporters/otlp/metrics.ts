import { type HrTime, ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { MetricFamily } from "intellirouter/plugin";

const units: Readonly<Record<string, string>> = { seconds: "s", bytes: "By", "US dollars": "{USD}" };

/** The metrics in OpenTelemetry's model, counted since `startTime`. */
export function resourceMetrics(
  families: readonly MetricFamily[],
  resource: Resource,
  startTime: HrTime,
  endTime: HrTime,
): ResourceMetrics {
  return {
    resource,
    scopeMetrics: [{
      scope: { name: "intellirouter" },
      metrics: families.map((family) => metricOf(family, startTime, endTime)),
    }],
  };
}

function metricOf(
  { name, type, help, unit, samples }: MetricFamily,
  startTime: HrTime,
  endTime: HrTime,
): MetricData {
  const common = {
    descriptor: {
      name,
      description: help,
      unit: units[unit] ?? (unit === "" ? "" : `{${unit}}`),
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (type === "counter" || type === "gauge") {
    const dataPoints = samples.map(({ labels, value }) => ({
      attributes: labels,
      startTime,
      endTime,
      value: value as number,
    }));
    return type === "counter"
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  }
  return {
    ...common,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: samples.flatMap(({ labels, value }) => {
      if (typeof value === "number") return [];
      // A sum and a count are a histogram of one bucket.
      const buckets = "bounds" in value
        ? { boundaries: [...value.bounds], counts: Array.from(value.counts) }
        : { boundaries: [], counts: [value.count] };
      return [{
        attributes: labels,
        startTime,
        endTime,
        value: { buckets, sum: value.sum, count: value.count },
      }];
    }),
  };
}
