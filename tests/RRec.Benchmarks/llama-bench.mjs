// Decoding speed of llama.cpp, through npm's node-llama-cpp: node llama-bench.mjs FILE.gguf [threads] [rows] [tokens] [seconds of each]. Prints one line of JSON. Run by `bench llama`.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

// Looked for where the program was started, not beside this file.
const require = createRequire(pathToFileURL(join(process.cwd(), "here.js")));
const { getLlama } = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const [path, threads = "2", rows = "16", tokens = "32", limit = "20"] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: path });
const prompt = model.tokenize("Recommend a movie to somebody who liked The Matrix, Alien and Blade Runner. Think step by step about taste, then answer:");

async function rate(count, length) {
    const context = await model.createContext({ sequences: count, contextSize: prompt.length + length + 8, batchSize: 512, threads: Number(threads) });
    const sequences = Array.from({ length: count }, () => context.getSequence());
    let first = 0, written = 0;
    await Promise.all(sequences.map(async (sequence) => {
        let n = 0;
        for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
            if (first === 0) first = performance.now();   // the prompts are read
            else written++;
            if (++n === length || performance.now() - first > 1000 * Number(limit)) break;
        }
    }));
    const seconds = (performance.now() - first) / 1000;
    await context.dispose();
    return written / seconds;
}

await rate(1, 4);
const one = await rate(1, Number(tokens)), many = await rate(Number(rows), Number(tokens));
console.log(JSON.stringify({ bytes: model.size, rows: Number(rows), tokens: Number(tokens), threads: Number(threads), alone: one, together: many }));
process.exit(0);
