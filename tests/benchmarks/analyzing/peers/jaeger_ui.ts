// Self times by the statistics of Jaeger's pages, on a folder of traces. Bundled with their source,
// which is fetched when it is installed.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { getColumnValues, getOperationName } from 'jaeger-ui/components/TracePage/TraceStatistics/tableValues';
import transformTraceData from 'jaeger-ui/model/transform-trace-data';

const folder = process.argv[2];
const ownNs: Record<string, number> = {};
for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  for (const data of JSON.parse(readFileSync(join(folder, file), 'utf8')).data) {
    const trace = transformTraceData(data)!.asOtelTrace();
    for (const row of getColumnValues(getOperationName(true), trace, true)) {
      ownNs[row.name] = (ownNs[row.name] ?? 0) + Math.round(row.selfTotal * 1e6);
    }
  }
}
process.stdout.write(JSON.stringify({ self_ns: ownNs }));
