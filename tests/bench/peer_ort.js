// ONNX Runtime as run.py's engine (README.md, the protocol).
// usage: node peer_ort.js MODULE MODEL.onnx MOLECULES THREADS VOCABULARY
'use strict';
const fs = require('fs');
const readline = require('readline');

const [modulePath, modelPath, moleculesPath, threads, vocabulary] = process.argv.slice(2);
const ort = require(modulePath);

function readSafetensors(path) {
  const bytes = fs.readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString());
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = entry.data_offsets;
    tensors[name] = new Float32Array(bytes.buffer.slice(
        bytes.byteOffset + start + begin, bytes.byteOffset + start + end));
  }
  return tensors;
}

function readMolecules(path) {
  const {lengths, tokens, coordinates} = readSafetensors(path);
  let first = 0;
  return Array.from(lengths, (n) => {
    const molecule = {tokens: tokens.subarray(first, first + n),
                      coordinates: coordinates.subarray(3 * first, 3 * (first + n))};
    first += n;
    return molecule;
  });
}

function distance(c, i, j) {
  return Math.hypot(c[3 * i] - c[3 * j], c[3 * i + 1] - c[3 * j + 1], c[3 * i + 2] - c[3 * j + 2]);
}

function pad(molecules) {
  const b = molecules.length, n = Math.max(...molecules.map((m) => m.tokens.length));
  const tokens = new BigInt64Array(b * n), padding = new Uint8Array(b * n).fill(1);
  const distances = new Float32Array(b * n * n), edges = new BigInt64Array(b * n * n);
  molecules.forEach((m, k) => {
    m.tokens.forEach((token, i) => {
      tokens[k * n + i] = BigInt(token);
      padding[k * n + i] = 0;
      for (let j = 0; j < m.tokens.length; ++j) {
        const pair = (k * n + i) * n + j;
        distances[pair] = distance(m.coordinates, i, j);
        edges[pair] = BigInt(token * vocabulary + m.tokens[j]);
      }
    });
  });
  return {tokens: new ort.Tensor('int64', tokens, [b, n]),
          padding: new ort.Tensor('bool', padding, [b, n]),
          distance: new ort.Tensor('float32', distances, [b, n, n]),
          edge_type: new ort.Tensor('int64', edges, [b, n, n])};
}

class Engine {
  constructor(session) {
    this.session = session;
    this.molecules = readMolecules(moleculesPath);
    this.padded = {};
  }

  hello() {
    return {engine: 'ort', version: ort.env.versions.node || ort.env.versions.common,
            threads: Number(threads)};
  }

  indices(order) {
    const all = this.molecules.map((_, i) => i);
    const length = (i) => this.molecules[i].tokens.length;
    return order === 'sorted' ? all.sort((a, b) => length(a) - length(b)) : all;
  }

  batches(order, size) {
    const key = `${order} ${size}`, all = this.indices(order);
    if (this.padded[key]) return this.padded[key];
    const list = this.padded[key] = [];
    for (let i = 0; i < all.length; i += size) {
      const indices = all.slice(i, i + size);
      list.push({indices, inputs: pad(indices.map((k) => this.molecules[k]))});
    }
    return list;
  }

  async cls(order, size) {
    const rows = [];
    for (const {indices, inputs} of this.batches(order, size)) {
      const {cls} = await this.session.run(inputs);
      const width = cls.dims[1];
      indices.forEach((i, k) => { rows[i] = cls.data.subarray(k * width, (k + 1) * width); });
    }
    return rows;
  }

  async throughput(mode, order, size) {
    this.batches(order, Number(size));
    const start = process.hrtime.bigint(), before = process.cpuUsage();
    await this.cls(order, Number(size));
    const {user, system} = process.cpuUsage(before);
    return {seconds: Number(process.hrtime.bigint() - start) / 1e9, cpu: (user + system) / 1e6};
  }

  async outputs(mode, path) {
    const rows = await this.cls('sorted', 16);
    fs.writeFileSync(path, Buffer.concat(rows.map(
        (r) => Buffer.from(r.buffer, r.byteOffset, r.byteLength))));
    return {};
  }

  async latency(mode, index, count) {
    const inputs = pad([this.molecules[Number(index)]]), seconds = [];
    for (let i = 0; i < Number(count); ++i) {
      const start = process.hrtime.bigint();
      await this.session.run(inputs);
      seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
    return {seconds};
  }

  memory() {
    return {peak: process.resourceUsage().maxRSS * 1024};
  }
}

async function answer(engine, line) {
  const [command, mode, ...words] = line.trim().split(/\s+/);
  try {
    if (command !== 'memory' && mode !== 'f32') throw new Error(`no precision ${mode}`);
    return await engine[command](mode, ...words);
  } catch (error) {
    return {error: String(error)};
  }
}

async function main() {
  const engine = new Engine(await ort.InferenceSession.create(modelPath, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all'}));
  console.log(JSON.stringify(engine.hello()));
  for await (const line of readline.createInterface({input: process.stdin}))
    console.log(JSON.stringify(await answer(engine, line)));
}

main();
