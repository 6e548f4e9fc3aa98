// Timing of one load from inside its own process, as the one JSON line that loads/meter.py prints.
"use strict";

async function measured(messages, work) {
  const cpu = process.cpuUsage();
  const started = process.hrtime.bigint();
  await work();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const used = process.cpuUsage(cpu);
  console.log(JSON.stringify({ messages, seconds, cpu_s: (used.user + used.system) / 1e6 }));
}

// Numbers 1 to count, at most `inFlight` of them at work.
async function each(count, inFlight, work) {
  let next = 1;
  const worker = async () => {
    while (next <= count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

function options() {
  const found = {};
  for (const word of process.argv.slice(2)) {
    const [name, value] = word.replace(/^--/, "").split(/=(.*)/s);
    found[name] = value;
  }
  return found;
}

module.exports = { measured, each, options };
